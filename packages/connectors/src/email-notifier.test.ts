import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EMAIL } from './email-notifier.ts';
import { type RunningMailDev, startMailDev } from './maildev.test.support.ts';
import { DIGEST, messageOf } from './notification.test.support.ts';
import type { NotifierMemory } from './notifier-deps.ts';
import { depsOf, notifierCases, openMemory } from './notifier-rig.test.support.ts';
import { NOT_OF_SMTP, type SmtpReceiver, startSmtpReceiver } from './smtp-receiver.test.support.ts';

const PASSWORD = 'planted-smtp-password';
const SKIP_OPENSSL = process.env.CI === undefined && spawnSync('openssl', ['version']).status !== 0;
const never = new AbortController().signal;
const mail = { host: '127.0.0.1', from: 'rampart@example.com', to: ['ana@example.com', 'bo@example.com'] };
const login = { user: 'rampart', password: { secretRef: 'PASSWORD' } };
let receiver: SmtpReceiver;
beforeAll(async () => {
  receiver = await startSmtpReceiver();
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));
const settings = (more = {}) => ({ ...mail, port: receiver.port, requireTLS: false, ...more });
const open = (more = {}, memory: NotifierMemory = openMemory()) =>
  EMAIL.open(settings(more), depsOf({ PASSWORD }, { memory, deadline: receiver.deadline }));

describe('email keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: EMAIL,
    receiver: () => receiver,
    settings: () => settings(login),
    secrets: () => ({ PASSWORD }),
    received: () => receiver.taken.map(({ data }) => String(/^Message-ID: (.*)$/im.exec(data)?.[1])),
    hidden: () => [PASSWORD, `\0rampart\0${PASSWORD}`].map((text) => Buffer.from(text).toString('base64')),
    expected: { floods: { kind: 'retry' }, breaks: { kind: 'retry' }, malformed: { kind: 'retry' } },
    lacks: NOT_OF_SMTP,
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('email', () => {
  it('says what the server said, and whether another try can help', async () => {
    const results = [];
    for (const behaviour of ['status-400', 'status-401', 'status-500', 'redirects', 'malformed'] as const) {
      await receiver.given(behaviour);
      results.push(await open(login).deliver(messageOf(), never));
    }
    expect(results).toMatchObject([
      { kind: 'refused', why: expect.stringContaining('550 5.1.1 no such user') },
      { kind: 'refused', why: 'it refused the credentials: 535 5.7.8 bad credentials' },
      { kind: 'retry', why: 'it answered: 451 4.3.0 try later' },
      { kind: 'refused', why: expect.stringContaining('551 5.1.6 not here') },
      { kind: 'retry', why: expect.stringContaining('EPROTOCOL') },
    ]);
  });

  it('takes the password out of what a server repeats', async () => {
    receiver.answer({ AUTH: `535 not ${PASSWORD}` });
    expect(await open(login).deliver(messageOf(), never)).toEqual({
      kind: 'refused',
      why: 'it refused the credentials: 535 not [secret]',
    });
  });

  it('sends the rest to those who were not taken at first, and nothing again to those who were', async () => {
    const memory = openMemory();
    receiver.answer({ 'RCPT TO:<bo@': '450 4.2.0 greylisted' });
    expect(await open({}, memory).deliver(messageOf(), never)).toEqual({
      kind: 'retry',
      why: '1 of 2 addresses were not taken: it answered: 450 4.2.0 greylisted',
    });
    receiver.answer({});
    expect(await open({}, memory).deliver(messageOf(), never)).toEqual({ kind: 'delivered' });
    expect(receiver.taken.map(({ to }) => to)).toEqual([['ana@example.com'], ['bo@example.com']]);
  });

  it('does not hide that an address is no more, though the others were told', async () => {
    receiver.answer({ 'RCPT TO:<bo@': '550 5.1.1 no such user' });
    expect(await open().deliver(messageOf(), never)).toMatchObject({ kind: 'refused' });
    expect(receiver.taken.map(({ to }) => to)).toEqual([['ana@example.com']]);
  });

  it('refuses a server without TLS unless it is told not to, before it says anything of the mail', async () => {
    const strict = EMAIL.open({ ...mail, port: receiver.port, ...login }, depsOf({ PASSWORD }));
    const from = receiver.lines.length;
    expect(await strict.deliver(messageOf(), never)).toMatchObject({
      kind: 'retry',
      why: expect.stringContaining('TLS'),
    });
    expect(receiver.lines.slice(from).join(' ')).not.toMatch(/AUTH|MAIL|RCPT/);
  });

  it('calls no host inside unless it is listed', async () => {
    const outside = EMAIL.open(settings(), depsOf({}, { policy: {} }));
    expect(await outside.deliver(messageOf(), never)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('allowedHosts'),
    });
  });

  it.each([
    ['a password without a user', { password: { secretRef: 'PASSWORD' } }, /user and password belong together/],
    ['a password in the open', { ...login, host: 'mail.example.com' }, /a password is sent by TLS only/],
    ['an address with a line break', { to: ['ana@example.com\r\nBcc: all@example.com'] }, /to\.0/],
    ['a password that is not set', { ...login, password: { secretRef: 'OTHER' } }, /SECRET_INVALID.*OTHER is not set/],
    ['a file that is not there', { caFile: '/nowhere/ca.pem' }, /caFile: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/],
  ])('cannot be set up with %s', (_, more, told) => {
    expect(() => open(more)).toThrow(told);
    expect(() => open(more)).toThrow(/notify\.channels\.ops/);
  });
});

describe('email to a real server (MailDev)', () => {
  let maildev: RunningMailDev;
  beforeAll(async () => {
    maildev = await startMailDev();
  }, 30_000);
  afterAll(() => maildev.stop());
  const sendAll = async (...messages: Parameters<typeof messageOf>[0][]) => {
    const before = (await maildev.mails()).length;
    const email = EMAIL.open({ ...mail, port: maildev.smtpPort, requireTLS: false }, depsOf({}));
    for (const message of messages)
      expect(await email.deliver(messageOf(message), never)).toEqual({ kind: 'delivered' });
    return (await maildev.mails()).slice(before);
  };

  it('arrives as text and HTML, with the facts and where to look', async () => {
    const [shown] = await sendAll({});
    expect(shown).toMatchObject({
      subject: '🔴 Rollout aborted: feature-xyz (production)',
      from: [{ address: 'rampart@example.com', name: 'Rampart' }],
      to: [{ address: 'ana@example.com' }, { address: 'bo@example.com' }],
    });
    for (const body of [shown!.text, shown!.html]) {
      expect(body).toContain('was aborted in stage canary: errorRate is above 1%');
      expect(body).toContain('https://rampart.example/rollouts/r1/incidents/1');
    }
    expect(shown!.headers).toMatchObject({ 'auto-submitted': 'auto-generated' });
  });

  it('names the setting where the certificate is not to be trusted, or TLS is expected too early', async () => {
    const told = async (more: object) => {
      const result = await EMAIL.open({ ...mail, port: maildev.smtpPort, ...more }, depsOf({})).deliver(
        messageOf(),
        never,
      );
      return result.kind === 'delivered' ? '' : result.why;
    };
    expect(await told({})).toMatch(/^its certificate cannot be trusted \([A-Z_]+\); see caFile/);
    expect(await told({ secure: true })).toMatch(/secure: false asks for STARTTLS$/);
  });

  it('is one thread for a rollout, and a repetition is the same mail', async () => {
    const [first, again, second, other] = await sendAll({}, {}, { id: 'r1:13' }, { id: 'r2:1', rollout: 'r2' });
    expect(again!.headers['message-id']).toBe(first!.headers['message-id']);
    expect(second!.headers['message-id']).not.toBe(first!.headers['message-id']);
    expect(second!.headers.references).toBe(first!.headers.references);
    expect(second!.headers['in-reply-to']).toBe(first!.headers['in-reply-to']);
    expect(other!.headers.references).not.toBe(first!.headers.references);
  });

  it('lets nobody write a header or markup', async () => {
    const evil = 'x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>';
    const [shown] = await sendAll({ flag: evil, text: evil, by: evil, id: evil, data: { note: evil } });
    expect(Object.keys(shown!.headers)).not.toContain('bcc');
    expect(shown!.html).not.toContain('<script>');
    expect(shown!.to).toHaveLength(2);
  });

  it('carries a digest line by line, in no thread', async () => {
    const [shown] = await sendAll(DIGEST);
    expect(shown!.text).toContain('- Feature XYZ passed stage canary.\n- Feature ABC is complete.');
    expect(shown!.headers.references).toBeUndefined();
  });
});

describe.skipIf(SKIP_OPENSSL)('email over TLS (apt-get install openssl)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-mail-tls-'));
  const [keyFile, caFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ...['-keyout', keyFile, '-out', caFile],
      ],
      { stdio: 'pipe' },
    );
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('logs in by STARTTLS with an authority of its own, and never with one that it does not know', async () => {
    const peer = await startSmtpReceiver({ key: readFileSync(keyFile), cert: readFileSync(caFile) });
    const over = { ...mail, host: 'localhost', port: peer.port, ...login };
    expect(await EMAIL.open(over, depsOf({ PASSWORD })).deliver(messageOf(), never)).toMatchObject({ kind: 'retry' });
    expect(peer.lines.join(' ')).not.toContain('AUTH');
    const trusting = EMAIL.open({ ...over, caFile }, depsOf({ PASSWORD }));
    expect(await trusting.deliver(messageOf(), never)).toEqual({ kind: 'delivered' });
    expect(peer.lines.join(' ')).toMatch(/STARTTLS .*AUTH/);
    await peer.stop();
  });

  it('logs in to MailDev, by TLS from the first byte', async () => {
    const server = ['--incoming-secure', '--incoming-key', keyFile, '--incoming-cert', caFile];
    const real = await startMailDev([...server, '--incoming-user', 'rampart', '--incoming-pass', PASSWORD]);
    const over = { ...mail, host: 'localhost', port: real.smtpPort, secure: true, caFile, ...login };
    const wrong = await EMAIL.open(over, depsOf({ PASSWORD: 'another-password' })).deliver(messageOf(), never);
    expect([wrong, (await real.mails()).length]).toMatchObject([{ kind: 'refused' }, 0]);
    expect(await EMAIL.open(over, depsOf({ PASSWORD })).deliver(messageOf(), never)).toEqual({ kind: 'delivered' });
    expect(await real.mails()).toHaveLength(1);
    await real.stop();
  }, 30_000);
});
