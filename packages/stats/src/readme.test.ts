import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as stats from './index.ts';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(`${HERE}README.md`, 'utf8');
const examples = [...README.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => ({
  title:
    README.slice(0, README.indexOf(code))
      .match(/^## .*$/gm)
      ?.at(-1) ?? '',
  code,
}));

/** Runs an example as a user would, and gives the lines it prints. */
function printed(code: string): readonly string[] {
  const argv = ['--conditions=@rampart/source', '--input-type=module-typescript', '--eval', code];
  return execFileSync(process.execPath, argv, { cwd: HERE, encoding: 'utf8' }).trimEnd().split('\n');
}

/** Whether a comment says what was printed: the same text, maybe with an explanation after it; "…" stands for digits. */
function says(comment: string, line: string) {
  if (comment === line || comment.startsWith(`${line}: `)) return true;
  const pattern = comment.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '\\d*(e-\\d+)?');
  return comment.includes('…') && new RegExp(`^${pattern}$`).test(line);
}

describe('the readme of @rampart/stats', () => {
  it('has an example for each kind of test', () => {
    expect(examples.length).toBeGreaterThanOrEqual(9);
  });

  it.each(examples)('prints what it says under "$title"', ({ code }) => {
    const comments = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment = '']) => comment);
    const lines = printed(code);
    expect(comments.length).toBeGreaterThan(0);
    expect(lines).toHaveLength(comments.length);
    expect(lines.filter((line, k) => !says(comments[k]!, line))).toEqual([]);
  });

  it('names every function of the package', () => {
    const functions = Object.entries(stats).filter(([, value]) => typeof value === 'function');
    expect(functions.map(([name]) => name).filter((name) => !README.includes(name))).toEqual([]);
  });
});
