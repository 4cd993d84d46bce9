import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { processIo } from '../packages/cli/src/process-io.ts';
import { createProgram } from '../packages/cli/src/program.ts';
import { TOOLS } from '../packages/server/src/mcp/tools.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const program = createProgram({ io: processIo(), perform: () => Promise.resolve() }, [], true);

/** Whole command lines in the text: code spans that begin with the name of the program, and lines of shell blocks. */
function commandLines(text: string): readonly string[] {
  const spans = [...text.matchAll(/`(?:npx )?rampart ([^`]+)`/g)];
  const lines = [...text.matchAll(/^(?:npx )?rampart (.+)$/gm)];
  return [...spans, ...lines].map(([, line = '']) => line.replace(/ +#.*$/, ''));
}

/** What is wrong with a command line: no such command, subcommand or option. */
function wrongWith(line: string): readonly string[] {
  const [name = '', ...words] = line.split(' ');
  const isPlaceholder = name === 'COMMAND';
  const command = program.commands.find((one) => one.name() === name);
  if (isPlaceholder || name === 'help') return [];
  if (command === undefined) return [`no command: rampart ${line}`];
  const sub = command.commands.find((one) => one.name() === words[0]);
  if (command.commands.length > 0 && sub === undefined) return [`no subcommand: rampart ${line}`];
  const known = [program, command, ...(sub ? [sub] : [])].flatMap((one) => one.options.map(({ long }) => long));
  const options = words.filter((word) => word.startsWith('--'));
  return options.filter((option) => !known.includes(option)).map((option) => `no option ${option}: rampart ${line}`);
}

const PAGES = [...globSync('agents/**/*.md', { cwd: ROOT }), 'docs/how-to/agents.md'];

describe('instructions for agents', () => {
  it('are a skill, a command, and a page', () => {
    expect(PAGES.toSorted()).toEqual([
      'agents/commands/rollout.md',
      'agents/skills/rampart-rollout/SKILL.md',
      'docs/how-to/agents.md',
    ]);
  });

  it.each(PAGES)('%s names only tools and commands that there are', (page) => {
    const text = readFileSync(`${ROOT}${page}`, 'utf8');
    const known: readonly string[] = TOOLS.map(({ name }) => name);
    const named = [...text.matchAll(/\brollout_[a-z_]+/g)].map(([tool]) => tool);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((tool) => !known.includes(tool))).toEqual([]);
    expect(commandLines(text).flatMap(wrongWith)).toEqual([]);
  });

  it('the skill names every tool, and the page too', () => {
    for (const page of ['agents/skills/rampart-rollout/SKILL.md', 'docs/how-to/agents.md']) {
      const text = readFileSync(`${ROOT}${page}`, 'utf8');
      expect(TOOLS.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    }
  });
});
