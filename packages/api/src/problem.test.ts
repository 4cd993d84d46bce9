import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ProblemError, problem } from './problem.ts';
import { isProblemCode, PROBLEM_CODES, PROBLEMS, type ProblemPlace } from './problem-table.ts';

const SECTION: Readonly<Record<ProblemPlace, string>> = {
  api: 'Problems of the HTTP API',
  command: 'Refusals of a command',
  'start-up': 'Store and start-up',
  log: 'Store and start-up',
  client: 'Command line',
};

/** docs/errors.md, with the padding of its tables taken out. */
function errorsPage(): string {
  return readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');
}

describe('problem', () => {
  it('builds a body with everything the table knows and what happened this time', () => {
    expect(problem('VERSION_CONFLICT', 'Version 3 was sent, it is 5 now.', { version: 5 })).toEqual({
      type: 'urn:rampart:problem:version-conflict',
      title: PROBLEMS.VERSION_CONFLICT.title,
      status: 412,
      code: 'VERSION_CONFLICT',
      detail: 'Version 3 was sent, it is 5 now.',
      remedy: PROBLEMS.VERSION_CONFLICT.remedy,
      version: 5,
    });
  });

  it('keeps code, body and cause in its error', () => {
    const cause = new Error('below');
    const error = new ProblemError('INTERNAL', 'what happened', {}, { cause });
    expect([error.code, error.message, error.problem.status, error.cause, error instanceof Error]).toEqual([
      'INTERNAL',
      'INTERNAL: what happened',
      500,
      cause,
      true,
    ]);
  });
});

describe('table of problems', () => {
  it('answers a refusal with 409, a missing thing with 404 and missing authority with 403', () => {
    const refusals = PROBLEM_CODES.filter((code) => PROBLEMS[code].place === 'command');
    for (const code of refusals) {
      const expected = code === 'FORBIDDEN' ? 403 : code.endsWith('_UNKNOWN') ? 404 : 409;
      expect([code, PROBLEMS[code].status]).toEqual([code, expected]);
    }
    expect(refusals).toHaveLength(32);
  });

  it('has an HTTP status for exactly the problems that are sent', () => {
    for (const code of PROBLEM_CODES) {
      const { place, status } = PROBLEMS[code];
      const sent = place === 'api' || place === 'command';
      expect([code, status >= 400 && status < 600]).toEqual([code, sent]);
    }
  });

  it('knows its own codes only', () => {
    expect(isProblemCode('COOLDOWN')).toBe(true);
    expect(isProblemCode('toString')).toBe(false);
    expect(isProblemCode(7)).toBe(false);
  });

  it.each(PROBLEM_CODES)('has %s in docs/errors.md, in its section, with the same words', (code) => {
    const { place, status, title, remedy } = PROBLEMS[code];
    const page = errorsPage();
    const section = page.split(/^## /m).find((text) => text.startsWith(SECTION[place]));
    expect(section).toContain(`| \`${code}\` | ${status === 0 ? '–' : status} | ${title} | ${remedy} |`);
  });

  it('is all there is in the sections of the HTTP API and of refusals', () => {
    const sections = errorsPage()
      .split(/^## /m)
      .filter((text) => text.startsWith(SECTION.api) || text.startsWith(SECTION.command));
    const rows = sections.flatMap((text) => [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code));
    expect(rows.toSorted()).toEqual(PROBLEM_CODES.filter((code) => PROBLEMS[code].status > 0).toSorted());
  });
});
