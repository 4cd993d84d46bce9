import { parseArgs } from 'node:util';
import { LoadRun } from './load-run.ts';

/** Default of `--rate`: requests per second over both routes. */
const RATE = '600';

/** Runs the load generator: `--url URL [--seed N] [--rate N] [--users N]`, until a signal or its parent ends it. */
function main(): void {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: RATE },
      users: { type: 'string', default: '5000' },
    },
  });
  const run = new LoadRun({
    url: values.url,
    seed: wholeNumber('seed', values.seed),
    rate: wholeNumber('rate', values.rate),
    users: wholeNumber('users', values.users),
    onSecond: (report) => {
      if (process.send) process.send(report);
      else console.log(JSON.stringify(report));
    },
  });
  const stop = (): void => {
    run.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, stop);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number, received ${JSON.stringify(text)}`);
}

main();
