#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one says what it lacks instead of failing on syntax.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LEAST_MAJOR = 24;
const CONDITION = '@rampart/source';
const RESTARTED = 'RAMPART_RESTARTED_WITH_PINNED_NODE';
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Starts again with the Node that the repository pins, and ends as that ends; false when there is none. */
async function restart() {
  const pinned = path('../../../node_modules/node/bin/node');
  if (!existsSync(pinned) || process.env[RESTARTED]) return false;
  const env = { ...process.env, [RESTARTED]: '1' };
  const child = spawn(pinned, [path('./rampart.js'), ...process.argv.slice(2)], { stdio: 'inherit', env });
  // Who stops this process means the child: left alone it would go on holding its port and its data. Ctrl-C reaches it by
  // itself as well; as another signal it is no second Ctrl-C, which would end it at once.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => {
      process.exitCode = code ?? 1;
      resolve(true);
    });
  });
}

/** From a checkout the sources run as they are; an installed package has only `dist`. */
async function run() {
  if (!existsSync(path('../src/main.ts'))) return import('../dist/main.js');
  const { registerHooks } = await import('node:module');
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, CONDITION] }),
  });
  // Processes started with the arguments of this one (the demo's apps) read the sources as well.
  process.execArgv.push(`--conditions=${CONDITION}`);
  return import('../src/main.ts');
}

if (Number.parseInt(process.versions.node, 10) >= LEAST_MAJOR) {
  await run();
} else if (!(await restart())) {
  process.stderr.write(
    `error NODE_TOO_OLD: rampart needs Node ${LEAST_MAJOR} or newer; this is ${process.version} (${process.execPath}).\n` +
      `Install it from https://nodejs.org or with your version manager, for example: nvm install ${LEAST_MAJOR}\n`,
  );
  process.exitCode = 2;
}
