import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Flag, Segment } from '@rampart/flags';
import { describe, expect, it } from 'vitest';
import { openCli } from '../cli.test.support.ts';

type Failed = { readonly error: { readonly code: string; readonly message: string } };

describe('rampart flag', () => {
  it('creates, changes, lists and deletes a flag', async () => {
    const { run, json, plane } = openCli();
    expect((await run(['flag', 'list'])).out).toContain('no flag yet');
    await run(['flag', 'set', 'search', '--description', 'New search']);
    await run(['flag', 'set', 'search', '--disable', '--serve', 'on']);
    expect((await json<Flag>(['flag', 'get', 'search'])).data).toEqual({
      key: 'search',
      description: 'New search',
      enabled: false,
      variants: { on: true, off: false },
      defaultVariant: 'on',
    });
    expect((await run(['flag', 'list'])).out).toMatch(/search +no +on +on, off/);
    expect(await run(['flag', 'delete', 'search'])).toMatchObject({ code: 0 });
    expect(plane.flags.size).toBe(0);
    expect(await json<Failed>(['flag', 'get', 'search'])).toMatchObject({
      code: 1,
      data: { error: { code: 'NOT_FOUND' } },
    });
  });

  it('takes a whole flag from a file, without the exposure of its rollout', async () => {
    const { run, json, plane, dir } = openCli();
    const flag = { enabled: true, variants: { a: 'x', b: 'y' }, defaultVariant: 'a' };
    writeFileSync(join(dir, 'flag.json'), JSON.stringify({ key: 'other', ...flag, exposure: { rollout: 'r' } }));
    expect(await run(['flag', 'set', 'text', '--file', 'flag.json'])).toMatchObject({ code: 0 });
    expect(plane.flags.get('text')).toEqual({ key: 'text', ...flag });
    writeFileSync(join(dir, 'flag.yaml'), 'enabled: maybe\n');
    const wrong = await json<Failed>(['flag', 'set', 'text', '--file', 'flag.yaml']);
    expect(wrong).toMatchObject({ code: 1, data: { error: { code: 'BODY_INVALID' } } });
    expect(wrong.data.error.message).toContain('enabled');
    writeFileSync(join(dir, 'flag.yaml'), '- a list\n');
    expect(await json<Failed>(['flag', 'set', 'text', '--file', 'flag.yaml'])).toMatchObject({
      code: 2,
      data: { error: { code: 'DATA_INVALID', message: 'flag.yaml holds a list, not a mapping.' } },
    });
  });
});

describe('rampart segment', () => {
  it('is made of conditions whose values are read as they look', async () => {
    const { run, json, plane } = openCli();
    const conditions = [
      'email endsWith @example.com',
      'country oneOf [FR, DE]',
      'age atLeast 18',
      'app semverAtLeast 2.10',
    ];
    await run(['segment', 'set', 'team', ...conditions.flatMap((text) => ['--when', text])]);
    expect(plane.segments.get('team')).toEqual({
      key: 'team',
      all: [
        { attribute: 'email', operator: 'endsWith', value: '@example.com' },
        { attribute: 'country', operator: 'oneOf', value: ['FR', 'DE'] },
        { attribute: 'age', operator: 'atLeast', value: 18 },
        { attribute: 'app', operator: 'semverAtLeast', value: '2.10' },
      ],
    });
    expect((await run(['segment', 'list'], { columns: () => 200 })).out).toContain('age atLeast 18');
    expect((await json<Segment>(['segment', 'get', 'team'])).data.key).toBe('team');
    expect(await run(['segment', 'set', 'x', '--when', 'email like a'])).toMatchObject({ code: 1 });
    expect(await run(['segment', 'delete', 'team'])).toMatchObject({ code: 0 });
  });
});

describe('rampart token', () => {
  it('shows a new token once and lists tokens without secrets', async () => {
    const { run, json, plane } = openCli();
    const { out } = await run(['token', 'create', '--kind', 'viewer', '--name', 'bo', '--agent', '--expires', '30d']);
    expect(out).toMatch(/^rmp_viewer_/);
    expect(plane.seen.at(-1)?.body).toEqual({
      kind: 'viewer',
      name: 'bo',
      principal: 'agent',
      expiresInMs: 30 * 86_400_000,
    });
    expect((await run(['token', 'list'])).out).toMatch(/new12345 +viewer +bo/);
    expect(await run(['token', 'revoke', 'new12345'])).toMatchObject({ code: 0, out: 'Revoked new12345.\n' });
    expect(await json<Failed>(['token', 'revoke', 'other'])).toMatchObject({
      code: 1,
      data: { error: { code: 'NOT_FOUND' } },
    });
  });
});

describe('rampart webhook', () => {
  it('changes one and keeps the others', async () => {
    const { run, json, plane } = openCli();
    await run([
      'webhook',
      'set',
      'ops',
      'https://ops.example.com/x',
      '--event',
      'rollout.aborted',
      '--secret-ref',
      'OPS',
    ]);
    await run(['webhook', 'set', 'chat', 'https://chat.example.com/x']);
    await run(['webhook', 'set', 'ops', 'https://ops.example.com/y']);
    expect(plane.webhooks).toEqual([
      { name: 'chat', url: 'https://chat.example.com/x' },
      { name: 'ops', url: 'https://ops.example.com/y' },
    ]);
    expect((await run(['webhook', 'list'])).out).toMatch(/ops +https:\/\/ops\.example\.com\/y +all/);
    expect(await run(['webhook', 'set', 'bad', 'ftp://x'])).toMatchObject({ code: 1 });
    expect(await run(['webhook', 'delete', 'chat'])).toMatchObject({ code: 0 });
    expect(await json<Failed>(['webhook', 'delete', 'chat'])).toMatchObject({
      code: 1,
      data: { error: { code: 'WEBHOOK_NOT_FOUND', message: expect.stringContaining('known: ops') } },
    });
  });
});

describe('rampart completion', () => {
  const bash = (script: string, words: readonly string[]) => {
    const last = words.length - 1;
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${last}; _rampart; echo "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' }).stdout.trim();
  };
  const hasBash = spawnSync('bash', ['--version']).status === 0;

  it.skipIf(!hasBash)('completes commands, subcommands and options in bash (skipped without bash)', async () => {
    const { run } = openCli();
    const { out } = await run(['completion', 'bash']);
    expect(bash(out, ['rampart', 'sta'])).toBe('start status stats');
    expect(bash(out, ['rampart', 'issue', ''])).toMatch(/^add fix monitor close list --/);
    expect(bash(out, ['rampart', 'issue', 'add', '--sev'])).toBe('--severity');
    expect(bash(out, ['rampart', '--json', 'status', '--wa'])).toBe('--watch');
  });

  it('is written for zsh and fish, and no other shell', async () => {
    const { run } = openCli();
    expect((await run(['completion', 'zsh'])).out).toMatch(/^#compdef rampart/);
    const { out } = await run(['completion', 'fish']);
    expect(out).toContain("complete -c rampart -n '__fish_use_subcommand' -f -a status");
    expect(out).toContain("-n '__fish_seen_subcommand_from issue; and __fish_seen_subcommand_from add' -l severity");
    expect(await run(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });
});

describe('rampart hook', () => {
  it('sets, lists and deletes hooks, and keeps the others', async () => {
    const { run, json, plane, dir } = openCli();
    writeFileSync(join(dir, 'support.yaml'), "metric: supportTickets\nflag: feature-xyz\nid: '$.id'\n");
    const signed = ['--scheme', 'zendesk', '--secret-ref', 'ZENDESK_SECRET', '--signals', 'support.yaml'];
    await run(['hook', 'set', 'zendesk', '--receives', 'signals', ...signed]);
    await run([
      'hook',
      'set',
      'alertmanager',
      '--receives',
      'alerts',
      '--scheme',
      'bearer',
      '--secret-ref',
      'AM_SECRET',
    ]);
    expect(plane.hooks).toEqual([
      {
        name: 'zendesk',
        verify: { scheme: 'zendesk' },
        receives: 'signals',
        secretRef: 'ZENDESK_SECRET',
        signals: { metric: 'supportTickets', flag: 'feature-xyz', id: '$.id' },
      },
      { name: 'alertmanager', verify: { scheme: 'bearer' }, receives: 'alerts', secretRef: 'AM_SECRET' },
    ]);
    expect((await run(['hook', 'list'])).out).toMatch(/zendesk +\/v1\/hooks\/zendesk +signals +zendesk/);
    expect(await run(['hook', 'set', 'x', '--receives', 'alerts', '--scheme', 'md5'])).toMatchObject({ code: 1 });
    expect(await run(['hook', 'delete', 'zendesk'])).toMatchObject({ code: 0 });
    expect(await json<Failed>(['hook', 'delete', 'zendesk'])).toMatchObject({
      code: 1,
      data: { error: { code: 'HOOK_NOT_FOUND', message: expect.stringContaining('alertmanager') } },
    });
  });
});
