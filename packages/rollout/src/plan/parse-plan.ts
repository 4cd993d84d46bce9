import type { Plan, PlanIssue } from '../plan.ts';
import { refuseUnwatched } from './exposure-rules.ts';
import { type IssueLog, type Locate, openIssueLog } from './issue-log.ts';
import { lintPlan } from './lint-plan.ts';
import { planSchema } from './plan-schema.ts';
import { plainCopy, readSource } from './plan-source.ts';
import { type ReadOptions, readPlan } from './read-plan.ts';
import { scalePlan } from './scale-plan.ts';
import { logShapeIssues } from './shape-issues.ts';

/**
 * `file`: name for messages. `now` (epoch ms): finds freezes that are over. `override`: reason for a plan that would be
 * refused without one. `timeScale`, in (0, 1]: factor on every duration. The last two win over the plan's own keys.
 */
export type PlanOptions = ReadOptions & { readonly file?: string };

/** A plan with all defaults and its warnings, or everything found wrong with it. */
export type PlanResult =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: readonly PlanIssue[] }
  | { readonly ok: false; readonly issues: readonly PlanIssue[] };

function build(value: unknown, options: PlanOptions, log: IssueLog): Plan | undefined {
  if (value === undefined || value === null) {
    log.error('wrong-type', [], 'received nothing; a plan is a mapping with at least flag and stages');
    return undefined;
  }
  const shape = planSchema.safeParse(value);
  if (!shape.success) {
    logShapeIssues(shape.error, value, log);
    return undefined;
  }
  const timeScale = options.timeScale ?? shape.data.timeScale ?? 1;
  if (!(timeScale > 0 && timeScale <= 1)) {
    log.error('out-of-range', ['timeScale'], `received ${timeScale}; timeScale must be above 0 and at most 1`);
  }
  const plan = readPlan(shape.data, options, log);
  if (!log.failed()) refuseUnwatched(plan, log);
  if (log.failed()) return undefined;
  lintPlan(plan, log);
  return scalePlan(plan, timeScale);
}

function inOrder(issues: readonly PlanIssue[]): readonly PlanIssue[] {
  const place = (issue: PlanIssue) => (issue.line ?? 0) * 1_000_000 + (issue.column ?? 0);
  return [...issues].sort((left, right) => place(left) - place(right));
}

function buildResult(value: unknown, options: PlanOptions, locate: Locate): PlanResult {
  const log = openIssueLog(options.file, locate);
  const plan = build(value, options, log);
  const issues = inOrder(log.issues());
  return plan ? { ok: true, plan, warnings: issues } : { ok: false, issues };
}

/** Reads a plan from YAML or JSON text, in the short or the long form (design §4). Never throws; issues carry file, line and column. */
export function parsePlan(text: string, options: PlanOptions = {}): PlanResult {
  const source = readSource(text);
  if (source.ok) return buildResult(source.value, options, source.locate);
  const file = options.file === undefined ? {} : { file: options.file };
  const issues = source.errors.map(
    (error) => ({ severity: 'error', code: 'syntax', path: '', ...file, ...error }) satisfies PlanIssue,
  );
  return { ok: false, issues };
}

/** Reads a plan from a JavaScript value (TypeScript plans, API bodies). Same rules and codes, without lines. Never throws. */
export function planFromObject(value: unknown, options: PlanOptions = {}): PlanResult {
  const nowhere: Locate = () => undefined;
  try {
    return buildResult(plainCopy(value), options, nowhere);
  } catch (error) {
    // `JSON.stringify` refuses cycles and bigints.
    const message = `received a value that is not plain JSON (${String(error)}); pass a plain object`;
    const log = openIssueLog(options.file, nowhere);
    log.error('wrong-type', [], message);
    return { ok: false, issues: log.issues() };
  }
}
