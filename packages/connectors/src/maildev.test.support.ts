import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, untilReady } from './prometheus.test.support.ts';

/** An email as MailDev shows it. */
export type ShownMail = {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly from: readonly { readonly address: string; readonly name: string }[];
  readonly to: readonly { readonly address: string }[];
};

/** A MailDev that takes every mail and sends none on. */
export type RunningMailDev = {
  readonly smtpPort: number;
  /** What it has taken so far, oldest first. */
  readonly mails: () => Promise<readonly ShownMail[]>;
  readonly stop: () => Promise<void>;
};

/** The package exports no path to its command. */
const MAIN = fileURLToPath(new URL('../../../node_modules/maildev/dist/bin/maildev.js', import.meta.url));

/** Starts MailDev on free ports of the loopback. `options`: more options of its command. */
export async function startMailDev(options: readonly string[] = []): Promise<RunningMailDev> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-maildev-'));
  const [smtpPort, webPort] = [await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    [
      MAIN,
      ...['--smtp', String(smtpPort), '--ip', '127.0.0.1'],
      // Without it the web page would listen on every address.
      ...['--web', String(webPort), '--web-ip', '127.0.0.1'],
      ...['--mail-directory', dir],
      ...options,
    ],
    { stdio: 'ignore' },
  );
  // A run that fails before it stops it leaves nothing behind.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const url = `http://127.0.0.1:${webPort}/api/email`;
  await untilReady(child, url);
  return {
    smtpPort,
    mails: async () => (await (await fetch(url)).json()) as readonly ShownMail[],
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
