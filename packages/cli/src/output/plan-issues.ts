import type { PlanIssue } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { cut, oneLine, plural, wrap } from './text.ts';

const place = ({ file, line, column, path }: PlanIssue): string => {
  const name = file ?? 'plan';
  if (line !== undefined) return `${name}:${line}:${column ?? 1}`;
  return path === '' ? name : `${name}: ${path}`;
};

/** The line of the plan an issue stands on, with a caret below the place. */
function excerpt({ line, column = 1 }: PlanIssue, text: string | undefined, width: number, paint: Paint): string[] {
  const written = line === undefined ? undefined : text?.split('\n')[line - 1];
  if (written === undefined) return [];
  const number = String(line).padStart(5);
  const plain = written.replaceAll(/\p{Cc}/gu, ' ');
  // A long line is shown from the middle on, so that the place is in sight.
  const skipped = column > width - 12 ? column - Math.floor(width / 2) : 0;
  const shown = cut(skipped === 0 ? plain : `…${plain.slice(skipped + 1)}`, width - 10);
  return [
    `${paint.dim(`${number} |`)} ${shown}`,
    `${paint.dim('      |')} ${' '.repeat(column - 1 - skipped)}${paint.bold('^')}`,
  ];
}

/** Issues as compilers print them, `file:line:column: severity code`, each with its line where the text is known. */
export function renderIssues(
  issues: readonly PlanIssue[],
  text: string | undefined,
  width: number,
  paint: Paint,
): string {
  const blocks = issues.map((issue) => {
    const severity = issue.severity === 'error' ? paint.red('error') : paint.yellow('warning');
    const head = `${paint.bold(oneLine(place(issue)))}: ${severity} ${issue.code}`;
    return [head, `  ${wrap(oneLine(issue.message), width - 2, '  ')}`, ...excerpt(issue, text, width, paint)].join(
      '\n',
    );
  });
  return blocks.join('\n');
}

/** `2 errors, 1 warning`. */
export function countIssues(issues: readonly PlanIssue[]): string {
  const errors = issues.filter(({ severity }) => severity === 'error').length;
  const warnings = issues.length - errors;
  const parts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  return parts.join(', ') || 'no warnings';
}
