import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { commandNotifier } from './command-notifier.ts';
import { ConnectorError } from './connector-error.ts';
import type { Notification } from './notification.ts';

const SECRET = 'planted-secret-2718';
const never = new AbortController().signal;
const dir = mkdtempSync(join(tmpdir(), 'rampart-command-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const message: Notification = {
  id: 'r1:40/next:feedback',
  type: 'rollout.completed',
  at: 0,
  severity: 'info',
  audience: ['stakeholders'],
  group: 'rollout/r1/1',
  rollout: 'r1',
  flag: 'feature-xyz',
  environment: 'production',
  version: 40,
  by: 'rampart',
  text: 'Größe; $(touch pwned) `id`',
  data: {},
};

type Output = { stdout: string; stderr: string; exitCode: number | null };
function runs(script: string, settings: object = {}, env: NodeJS.ProcessEnv = { PATH: process.env.PATH }) {
  const outputs: Output[] = [];
  const notifier = commandNotifier(
    { run: [process.execPath, '-e', script], ...settings },
    {
      name: 'feedback',
      secretOf: (ref) => (ref === 'KNOWN' ? SECRET : undefined),
      onOutput: (one) => outputs.push(one),
      env,
    },
  );
  return { notifier, outputs, deliver: (signal = never) => notifier.deliver(message, signal) };
}
const withSecret = { env: { TOKEN: { secretRef: 'KNOWN' } } };

describe('a command that is told', () => {
  it('gets the message as JSON on its standard input, and no shell sees it', async () => {
    const file = join(dir, 'got.json');
    const script = `require('node:fs').writeFileSync(${JSON.stringify(file)}, require('node:fs').readFileSync(0))`;
    expect(await runs(script).deliver()).toEqual({ kind: 'delivered' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(message);
  });

  it('is passed its arguments as they are', async () => {
    const { notifier } = runs('');
    const outputs: Output[] = [];
    const told = commandNotifier([process.execPath, '-p', 'process.argv[1]', '$(id); *'], {
      name: 'feedback',
      secretOf: () => undefined,
      onOutput: (one) => outputs.push(one),
    });
    expect(notifier.name).toBe('feedback');
    expect(await told.deliver(message, never)).toEqual({ kind: 'delivered' });
    expect(outputs[0]?.stdout).toBe('$(id); *\n');
  });

  it('sees the variables its settings name and none of the secrets of the server', async () => {
    const env = { PATH: process.env.PATH, RAMPART_TOKEN: 'rmp_admin_x', KNOWN: SECRET };
    const { deliver, outputs } = runs(
      'console.log(Object.keys(process.env).sort().join())',
      { env: { CHANNEL: 'a' } },
      env,
    );
    await deliver();
    expect(outputs[0]?.stdout.split(',').map((name) => name.trim())).toEqual(
      expect.arrayContaining(['CHANNEL', 'PATH']),
    );
    expect(outputs[0]?.stdout).not.toMatch(/RAMPART_TOKEN|KNOWN/);
  });

  it('may fail and is tried again, with what it wrote, without its secret', async () => {
    const { deliver, outputs } = runs('console.error("refused", process.env.TOKEN); process.exit(3)', withSecret);
    expect(await deliver()).toEqual({ kind: 'retry', why: 'it ended with exit code 3: refused [secret]' });
    expect(JSON.stringify(outputs)).not.toContain(SECRET);
  });

  it('is killed with all it started when it does not end in time, or the server stops', async () => {
    const hang =
      'require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => 0, 1e3)"], { stdio: "inherit" })';
    expect(await runs(hang, { timeout: '300ms' }).deliver()).toEqual({
      kind: 'retry',
      why: 'it did not end within 0.3 s',
    });
    const stop = new AbortController();
    const delivery = runs(hang).deliver(stop.signal);
    stop.abort();
    expect(await delivery).toEqual({ kind: 'retry', why: 'the delivery was stopped' });
    expect(await runs('').deliver(AbortSignal.abort())).toEqual({ kind: 'retry', why: 'the delivery was stopped' });
  });

  it('that leaves something behind in a session of its own is not waited for beyond its end, its time or the stop', async () => {
    // What it left behind holds its output open, and is in no group of ours.
    const leave = `const left = require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => 0, 60e3)"],
      { stdio: "inherit", detached: true }); left.unref(); console.error("left " + left.pid);`;
    const left: number[] = [];
    const noted = ({ outputs }: ReturnType<typeof runs>) =>
      left.push(...outputs.map(({ stderr }) => Number(/left (\d+)/.exec(stderr)?.[1])));
    try {
      const ended = runs(`${leave} process.exit(0)`);
      expect(await ended.deliver()).toEqual({ kind: 'delivered' });
      noted(ended);
      const hanging = runs(`${leave} setInterval(() => 0, 1e3)`, { timeout: '1s' });
      expect(await hanging.deliver()).toEqual({ kind: 'retry', why: 'it did not end within 1 s' });
      noted(hanging);
      expect(left).toHaveLength(2);
    } finally {
      for (const pid of left) process.kill(pid, 'SIGKILL');
    }
  });

  it('shows nothing of a secret that was cut where its output is', async () => {
    const { deliver, outputs } = runs(
      'process.stdout.write("x".repeat(16 * 1024 - 9) + process.env.TOKEN)',
      withSecret,
    );
    await deliver();
    expect(outputs[0]?.stdout).not.toContain(SECRET.slice(0, 6));
  });

  it('may write without end: little is kept', async () => {
    const { deliver, outputs } = runs('process.stdout.write("x".repeat(4e6)); process.stderr.write("y".repeat(1e6))');
    expect(await deliver()).toEqual({ kind: 'delivered' });
    expect(outputs[0]?.stdout).toHaveLength(16 * 1024);
    expect(outputs[0]?.stderr).toHaveLength(16 * 1024);
  });

  it('that does not read its input is delivered all the same', async () => {
    const { notifier } = runs('process.stdin.destroy()');
    const long = { ...message, text: 'x'.repeat(2_000_000) };
    expect(await notifier.deliver(long, never)).toEqual({ kind: 'delivered' });
  });

  it('that is not there, or whose secret is not set, waits until that is corrected', async () => {
    const absent = commandNotifier([join(dir, 'nothing')], { name: 'feedback', secretOf: () => undefined });
    expect(await absent.deliver(message, never)).toMatchObject({
      kind: 'retry',
      why: expect.stringContaining('ENOENT'),
    });
    const { deliver } = runs('', { env: { TOKEN: { secretRef: 'UNSET' } } });
    expect(await deliver()).toMatchObject({ kind: 'retry', why: expect.stringContaining('TOKEN is not set') });
  });

  it.each([
    ['text', 'curl https://x | sh'],
    ['nothing to run', { run: [] }],
    ['a timeout that outlasts the lease', { run: ['x'], timeout: '1m' }],
    ['a shell', { run: ['x'], shell: true }],
  ])('is not made of %s', (_, settings) => {
    const make = () => commandNotifier(settings, { name: 'feedback', secretOf: () => undefined });
    expect(make).toThrow(ConnectorError);
    expect(make).toThrow(/^CHANNEL_INVALID: next\.commands\.feedback/);
  });

  it.each([
    ['curl https://x', /received the text "curl https:\/\/x"; write a list/],
    [{ run: ['x'], shell: true }, /Unrecognized key: "shell"/],
    [{ run: ['x'], env: { TOKEN: 4 } }, /env\.TOKEN/],
  ])('says what is wrong with %j', (settings, told) => {
    expect(() => commandNotifier(settings, { name: 'feedback', secretOf: () => undefined })).toThrow(told);
  });
});
