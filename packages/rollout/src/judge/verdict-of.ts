import type { Check, Metric } from '../plan.ts';
import type { Baseline, Verdict, VerdictStatus } from '../verdict.ts';
import { displayOf, type Seen } from './display.ts';
import { lineOf, usesControl } from './line.ts';
import { NO_TRIP_EVIDENCE, PLAIN_RULE, plainRuleTrip } from './plain-rule.ts';
import type { PlanCheck } from './plan-checks.ts';
import type { Shown } from './side-judge.ts';
import { failLogE, recentContradicts, statusOf, sumsOf, tripsByRule, type Weighing } from './weigh.ts';

/** What a verdict is made from, beside its check. */
export type VerdictContext = Weighing & {
  readonly seen: Seen;
  readonly baseline?: Baseline;
  /** Why the source gives nothing now; absent while it is alive. */
  readonly silent?: string;
  readonly sourceError?: string;
};

const SAID_BY_PLAIN_RULE = 'tripped by the plain rule: the value was beyond the limit over the window, twice running';

/** Evidence beyond this is certainty either way; JSON has no infinity. */
const MOST_EVIDENCE = 1e6;

function finite(logE: number): number {
  return Math.max(-MOST_EVIDENCE, Math.min(MOST_EVIDENCE, logE));
}

/** What the pass side shows and lacks; it is what people see. */
type Passing = Shown & { readonly logE: number; readonly insufficient?: string };

function passingOf({ pass }: PlanCheck, { evidence }: VerdictContext): Passing {
  if (pass?.stream === undefined) {
    const insufficient = pass?.lacks([]);
    const nothing: Passing = { logE: 0, treatmentCount: 0, controlCount: 0, validity: 'asymptotic' };
    return { ...nothing, ...(insufficient !== undefined && { insufficient }) };
  }
  const sums = sumsOf(evidence, pass.stream, 'stage');
  const insufficient = pass.lacks(sums);
  return {
    ...pass.show(sums),
    logE: finite(pass.logE(sums)),
    ...(insufficient !== undefined && { insufficient }),
  };
}

function wouldChange(
  status: VerdictStatus,
  pass: Passing,
  passAt: number,
  { text }: Check,
  context: VerdictContext,
): string {
  if (context.distrust !== undefined) return context.distrust.whatHelps;
  if (status === 'fail') return 'nothing within this attempt: harm beyond the limit is established';
  if (status === 'error') return `the source answering again (${context.sourceError})`;
  if (status === 'no-data') return `evidence arriving again (${context.silent})`;
  if (status === 'insufficient') return pass.insufficient ?? 'exposed units with this metric';
  if (status === 'pass') return `evidence of harm beyond ${text}`;
  const left = passAt - pass.logE;
  const perUnit = pass.logE / pass.treatmentCount;
  if (perUnit > 0) return `about ${Math.ceil(left / perUnit)} more observations at this rate to pass`;
  return `evidence of safety: ${left.toFixed(1)} more nats to pass, at present the value is too near ${text}`;
}

/** Verdict of one check by its statistical method. */
export function verdictOf(one: PlanCheck, context: VerdictContext): Verdict {
  const { check, metric, fail, pass, failAt, passAt } = one;
  const passing = passingOf(one, context);
  const logEFail = fail === undefined ? 0 : finite(failLogE(fail, context.evidence));

  const status = statusOf(one, context);
  const { distrust } = context;
  const contradicted = distrust === undefined && status === 'inconclusive' && recentContradicts(one, context.evidence);
  const verdict: Verdict = {
    check: check.id,
    tier: check.tier,
    metric: metric.name,
    status,
    limit: check.text,
    ...linesOf(check, metric, context),
    ...displayOf(check, metric, context, passing),
    treatmentCount: passing.treatmentCount,
    controlCount: passing.controlCount,
    logEFail,
    logEPass: passing.logE,
    failAt,
    passAt,
    method: pass?.method ?? '',
    validity: passing.validity,
    wouldChange: wouldChange(status, passing, passAt, check, context),
    source: metric.source,
    ...(distrust ? { untrusted: true, note: distrust.why } : noteOf(check, metric, context, status, contradicted)),
  };
  const isPlain = distrust === undefined && tripsByRule(one, context.evidence) && logEFail < failAt;
  return isPlain ? byPlainRule(verdict, one, context) : verdict;
}

/** A trip by the plain rule claims nothing but what was seen: no interval, and the value of the window alone. */
function byPlainRule(verdict: Verdict, { check, metric }: PlanCheck, { evidence }: VerdictContext): Verdict {
  const { interval: _interval, value: _value, ...rest } = verdict;
  const { value, note } = plainRuleTrip(evidence.trips[check.id] ?? NO_TRIP_EVIDENCE, check, metric);
  return {
    ...rest,
    ...(value !== undefined && { value }),
    method: PLAIN_RULE,
    validity: 'plain rule',
    wouldChange: `${SAID_BY_PLAIN_RULE}; it makes no statistical claim`,
    note: rest.note === undefined ? note : `${note}; ${rest.note}`,
  };
}

function linesOf(check: Check, metric: Metric, context: VerdictContext): Pick<Verdict, 'failLine' | 'passLine'> {
  if (usesControl(check)) return {};
  const failLine = lineOf(check, metric, 'fail', context.baseline);
  const passLine = lineOf(check, metric, 'pass', context.baseline);
  return { ...(failLine !== undefined && { failLine }), ...(passLine !== undefined && { passLine }) };
}

function noteOf(
  check: Check,
  metric: Metric,
  context: VerdictContext,
  status: VerdictStatus,
  contradicted: boolean,
): Pick<Verdict, 'note' | 'sharedWithControl'> {
  if (status === 'error') return { note: context.sourceError ?? '' };
  if (status === 'no-data') return { note: context.silent ?? '' };
  if (status === 'fail' && controlBreachesToo(check, metric, context)) {
    return { sharedWithControl: true, note: 'control breaches too: shared incident likely' };
  }
  return contradicted && status === 'inconclusive'
    ? { note: 'the last quarter of the stage looks worse: harm may start late' }
    : {};
}

function controlBreachesToo(check: Check, metric: Metric, context: VerdictContext): boolean {
  const control = context.evidence.metrics[metric.name]?.control;
  const line = lineOf(check, metric, 'fail', context.baseline);
  if (check.limit.kind !== 'absolute' || line === undefined || control === undefined || control.n === 0) return false;
  if (metric.kind === 'quantile' || metric.kind === 'rate' || metric.kind === 'count') return false;
  const value = control.x / control.n;
  return metric.harm === 'higher' ? value > line : value < line;
}
