import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/rampart.js', import.meta.url));
/** Has the command believe that it runs on Node 20, so that it starts again with the pinned one. */
const OLD_NODE = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})`;
const dir = mkdtempSync(join(tmpdir(), 'rampart-restart-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('rampart on a Node that is too old', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends the server it started when it gets %s',
    async (signal) => {
      const child = spawn(
        process.execPath,
        ['--import', OLD_NODE, BIN, 'serve', '--port', '0', '--data', join(dir, signal)],
        { env: { ...process.env, XDG_CONFIG_HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const ended = once(child, 'exit');
      let told = '';
      await new Promise<void>((resolve, reject) => {
        const look = (chunk: Buffer) => {
          told += String(chunk);
          if (told.includes('Rampart serves')) resolve();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.once('exit', () => reject(new Error(told)));
      });
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
      // The end of its output, which the server has as well, says that the server is gone.
      if (!child.stdout.readableEnded) await once(child.stdout, 'end');
      expect(told).toContain('Stopped; everything acknowledged is stored.');
    },
    30_000,
  );
});
