import { parseArgs } from 'node:util';
import type { BenchResult } from './result.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<BenchResult> }>>> = {
  evaluate: () => import('./evaluate.ts'),
  judge: () => import('./judge.ts'),
  validity: () => import('./validity.ts'),
  rollouts: () => import('./rollouts.ts'),
  demo: () => import('./demo.ts'),
  decisions: () => import('./decisions.ts'),
  system: () => import('./system.ts'),
  ingest: () => import('./ingest.ts'),
};

const USAGE = `usage: npm run bench -- NAME [--json]\nNAME is one of: ${Object.keys(BENCHMARKS).join(', ')}\n`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if ('message' in parsed) {
    process.stderr.write(`${parsed.message}\n${USAGE}`);
    return 2;
  }
  const load = BENCHMARKS[parsed.name];
  if (load === undefined || !Object.hasOwn(BENCHMARKS, parsed.name)) {
    process.stderr.write(`received no known benchmark: '${parsed.name}'\n${USAGE}`);
    return 2;
  }
  const { run } = await load();
  const result = await run();
  process.stdout.write(parsed.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
  return 0;
}

type Arguments = { readonly name: string; readonly json: boolean };

function parse(args: readonly string[]): Arguments | { readonly message: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    return { name: positionals[0] ?? '', json: values.json };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

function table(result: BenchResult): string {
  const rows = [
    ...Object.entries(result.ratios).map(([key, ratio]) => [key, `${ratio.toFixed(3)}x`] as const),
    ...Object.entries(result.figures).flatMap(([key, figure]) => figureRows(key, figure)),
  ];
  const width = Math.max(...rows.map(([key]) => key.length));
  return `${result.name}\n${rows.map(([key, value]) => `  ${key.padEnd(width)}  ${value}\n`).join('')}`;
}

function figureRows(key: string, figure: unknown): readonly (readonly [string, string])[] {
  if (typeof figure !== 'object' || figure === null) return [[key, String(figure)]];
  return Object.entries(figure).flatMap(([part, value]) => figureRows(`${key}/${part}`, value));
}
