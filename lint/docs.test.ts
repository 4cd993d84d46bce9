import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { METRIC_CATALOG, parsePlan, planJsonSchema } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = `${ROOT}node_modules/node/bin/node`;
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');
const rampart = (...argv: readonly string[]) =>
  execFileSync(NODE, [`${ROOT}packages/cli/bin/rampart.js`, ...argv], { encoding: 'utf8' });

/** Names in a JSON Schema: keys of every mapping below `schema`. */
function keysOf(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties ?? {}) : [];
  return [...own, ...Object.values(schema).flatMap(keysOf)];
}

/** Blocks that the docs mark as a whole plan, with their file and line: what stands between the fences of `yaml plan`. */
function plansIn(path: string): readonly { readonly where: string; readonly text: string }[] {
  return [...read(path).matchAll(/^```yaml plan\n([\s\S]*?)^```$/gm)].map(({ index, 1: text = '' }) => ({
    where: `${path}:${read(path).slice(0, index).split('\n').length}`,
    text,
  }));
}

/** Names of the commands in a help text: the lines of its lists, indented by two. */
function commandsIn(help: string): readonly string[] {
  const lists = help.slice(help.indexOf('\nOptions:')).split(/\n\n/).slice(1);
  return lists.flatMap((list) => [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name));
}

describe('the plan reference', () => {
  // The formatter pads the cells of tables: one space counts like many.
  const page = read('docs/reference/plan.md').replaceAll(/ {2,}/g, ' ');

  it('names every key of the plan, at the top and below', () => {
    const keys = keysOf(planJsonSchema());
    expect(keys).toContain('killSwitch');
    expect(keys).toContain('holdback');
    expect(keys.filter((key) => !new RegExp(`[\`{ ]${key.replace('$', '\\$')}\\b`).test(page))).toEqual([]);
  });

  const units = {
    ...{ ratio: 'share', seconds: 'seconds', USD: 'USD', tokens: 'tokens' },
    ...{ perSecond: 'per second', events: 'events', score: 'score in [0, 1]', value: 'value' },
  } as const;

  it.each([...METRIC_CATALOG])('gives kind, unit, worse direction and alert of %s', (name, { metric, alert }) => {
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`) && line.includes(metric.kind));
    expect(row).toContain(`| ${units[metric.unit]}, ${metric.per} |`);
    expect(row).toContain(`| ${metric.harm} |`);
    expect(row).toContain(`| \`${alert}\` |`);
  });

  it('says how a bare number is read, for every metric', () => {
    const table = page.slice(page.indexOf('A **bare number**'), page.indexOf('## Built-in metrics'));
    const rowOf = (name: string) => table.split('\n').find((line) => line.startsWith('|') && line.includes(name)) ?? '';
    const words = { absolute: 'absolute', baseline: 'multiple of the baseline', 'per-day': 'per 24 h' } as const;
    const wrong = [...METRIC_CATALOG].filter(([name, { bare }]) => !rowOf(name).includes(words[bare]));
    expect(wrong.map(([name]) => name)).toEqual([]);
  });
});

describe('the glossary', () => {
  it('is in alphabetical order, each word once', () => {
    const rows = read('docs/glossary.md')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const words = rows.slice(2).map((line) => (line.split('|')[1] ?? '').replaceAll(/[`*]/g, '').trim().toLowerCase());
    expect(words.length).toBeGreaterThan(50);
    expect(words).toEqual([...new Set(words)].sort());
  });
});

describe('plans in the docs', () => {
  const plans = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].flatMap(plansIn);

  it('are found', () => {
    expect(plans.length).toBeGreaterThanOrEqual(2);
  });

  it.each(plans)('$where is a plan without errors', ({ text }) => {
    const result = parsePlan(text);
    expect(result.ok ? [] : result.issues).toEqual([]);
  });
});

describe('the reference of notifications', () => {
  it('lists every type of message, with its severities and its audience, and no other', () => {
    const rules = read('packages/connectors/src/notification-rules.ts');
    const audiences = { ON_CALL: 'on-call', STAKEHOLDERS: 'stakeholders', EVERYONE: 'both' } as const;
    const drafts = rules.matchAll(/\bdraft\(\s*([^,]*),\s*(ON_CALL|STAKEHOLDERS|EVERYONE),\s*'([^']*)'/g);
    const told = [...drafts].map(([, severity = '', audience = '', type = '']) => {
      const severities = ['info', 'warn', 'page'].filter((one) => severity.includes(`${one}'`));
      return `${type} ${severities.join(', ')} ${audiences[audience as keyof typeof audiences]}`;
    });
    // Should a rule be written in another way, it would be missed here.
    expect(told).toHaveLength([...rules.matchAll(/\bdraft\(/g)].length);
    const page = read('docs/reference/notifications.md');
    const section = page.slice(page.indexOf('## Types of messages'), page.indexOf('## Alerts that open'));
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    const cells = (row: string) => row.replaceAll('`', '').split('|').slice(1, 4);
    expect(
      rows.map((row) =>
        cells(row)
          .map((cell) => cell.trim())
          .join(' '),
      ),
    ).toEqual(told.toSorted());
  });
});

describe('the command reference', () => {
  const page = read('docs/reference/cli.md');

  it('names every command of the program', () => {
    const commands = commandsIn(rampart('--help'));
    expect(commands).toContain('serve');
    expect(commands.length).toBeGreaterThan(25);
    expect(commands.filter((name) => !new RegExp(`\`${name}[ \`]`).test(page))).toEqual([]);
  });

  it.each(['issue', 'incident', 'flag', 'segment', 'token', 'webhook', 'hook', 'baseline'])(
    'names every command of %s',
    (group) => {
      const commands = commandsIn(rampart('help', group)).filter((name) => name !== 'help');
      expect(commands.length).toBeGreaterThan(2);
      expect(commands.filter((name) => !new RegExp(`\`${group} ${name}[ \`]`).test(page))).toEqual([]);
    },
  );
});
