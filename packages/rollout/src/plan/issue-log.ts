import type { PlanIssue } from '../plan.ts';
import type { PlanIssueCode } from './plan-issue-codes.ts';

/** Keys and indexes from the root of a plan to one of its values. */
export type PlanPath = readonly (string | number)[];

/** Whether an issue points at the key or at the value of its path. */
export type PathPart = 'key' | 'value';

/** Finds the line and column of a path, from 1; for a path that does not exist, those of its nearest parent. */
export type Locate = (path: PlanPath, part: PathPart) => { readonly line: number; readonly column: number } | undefined;

/** Collects issues while a plan is read. Readers go on with a harmless value after an error, so one run finds all. */
export type IssueLog = {
  readonly error: (code: PlanIssueCode, path: PlanPath, message: string, part?: PathPart) => void;
  readonly warning: (code: PlanIssueCode, path: PlanPath, message: string, part?: PathPart) => void;
  readonly issues: () => readonly PlanIssue[];
  readonly failed: () => boolean;
};

/** A path for people: `stages[1].percentage`. Empty for the root. */
export function formatPath(path: PlanPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

/** A new, empty log. `file` and the positions of `locate` are put on every issue. */
export function openIssueLog(file: string | undefined, locate: Locate): IssueLog {
  const issues: PlanIssue[] = [];
  const add =
    (severity: PlanIssue['severity']): IssueLog['error'] =>
    (code, path, message, part = 'value') => {
      const place = file === undefined ? {} : { file };
      issues.push({ severity, code, message, path: formatPath(path), ...place, ...locate(path, part) });
    };
  return {
    error: add('error'),
    warning: add('warning'),
    issues: () => issues,
    failed: () => issues.some((issue) => issue.severity === 'error'),
  };
}
