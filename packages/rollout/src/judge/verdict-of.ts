import { bonferroniThreshold, lateOnsetLogE } from '@rampart/stats';
import type { Check, Metric } from '../plan.ts';
import type { Verdict, VerdictStatus } from '../verdict.ts';
import { displayOf, type Seen } from './display.ts';
import type { CheckEvidence, EvidenceState } from './evidence-state.ts';
import { lineOf, type Side, usesControl } from './line.ts';
import { type Method, type MethodContext, methodOf, type SideEvidence } from './method.ts';
import { BROKEN_TO_TRIP, PLAIN_RULE, plainRuleTrip } from './plain-rule.ts';
import { minus } from './tally.ts';

/** What a verdict is made from, beside the evidence itself. */
export type VerdictContext = MethodContext & {
  readonly evidence: EvidenceState;
  readonly seen: Seen;
  /** Share of α of this check's fail side, in (0, 1]. */
  readonly share: number;
  readonly alpha: number;
  readonly beta: number;
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

/** Log e-value of harm at any time of the attempt: the process from the start and those restarted since (d4). */
function failLogE(check: CheckEvidence, method: Method, context: VerdictContext): SideEvidence {
  const whole = method.evidence(check.fail, 'fail', context);
  const logEs = new Array<number>(context.evidence.restarts).fill(Number.NEGATIVE_INFINITY);
  for (const restart of check.restarts) {
    logEs[restart.index - 1] = method.evidence(minus(check.fail, restart.tally), 'fail', context).logE;
  }
  return { ...whole, logE: finite(lateOnsetLogE([whole.logE, ...logEs])) };
}

/** Whether the stage's last quarter contradicts a pass: its own evidence points to harm (late onset). */
function recentContradicts(check: CheckEvidence, method: Method, context: VerdictContext): boolean {
  const mark = check.marks[0];
  if (mark === undefined) return false;
  const recent = minus(check.pass, mark);
  const logE = (side: Side) => method.evidence(recent, side, context).logE;
  return logE('pass') < 0 && logE('fail') > logE('pass') && logE('fail') > 0;
}

function statusOf(
  fail: SideEvidence,
  pass: SideEvidence,
  failAt: number,
  passAt: number,
  context: VerdictContext,
  contradicted: boolean,
  isBroken: boolean,
): VerdictStatus {
  if (fail.logE >= failAt || isBroken) return 'fail';
  if (context.sourceError !== undefined) return 'error';
  if (context.silent !== undefined) return 'no-data';
  if (pass.logE >= passAt && !contradicted) return 'pass';
  if (pass.treatmentCount === 0 || pass.insufficient !== undefined) return 'insufficient';
  return 'inconclusive';
}

function wouldChange(status: VerdictStatus, pass: SideEvidence, passAt: number, context: VerdictContext): string {
  if (status === 'fail') return 'nothing within this attempt: harm beyond the limit is established';
  if (status === 'error') return `the source answering again (${context.sourceError})`;
  if (status === 'no-data') return `evidence arriving again (${context.silent})`;
  if (status === 'insufficient') return pass.insufficient ?? 'exposed units with this metric';
  if (status === 'pass') return `evidence of harm beyond ${context.check.text}`;
  const left = passAt - pass.logE;
  const perUnit = pass.logE / pass.treatmentCount;
  if (perUnit > 0) return `about ${Math.ceil(left / perUnit)} more observations at this rate to pass`;
  return `evidence of safety: ${left.toFixed(1)} more nats to pass, at present the value is too near ${context.check.text}`;
}

/** Verdict of one check by its statistical method. */
export function verdictOf(evidence: CheckEvidence, context: VerdictContext): Verdict {
  const { check, metric } = context;
  const method = methodOf(check, metric);
  const fail = failLogE(evidence, method, context);
  const passing = method.evidence(evidence.pass, 'pass', context);
  const pass = { ...passing, logE: finite(passing.logE) };
  const failAt = bonferroniThreshold(context.share, context.alpha);
  const passAt = Math.log(1 / context.beta);
  const isPlain = check.tier === 'kill' && evidence.broken >= BROKEN_TO_TRIP && fail.logE < failAt;
  const contradicted = recentContradicts(evidence, method, context);
  const status = statusOf(fail, pass, failAt, passAt, context, contradicted, isPlain);
  const verdict: Verdict = {
    check: check.id,
    tier: check.tier,
    metric: metric.name,
    status,
    limit: check.text,
    ...linesOf(check, metric, context),
    ...displayOf(context, pass),
    treatmentCount: pass.treatmentCount,
    controlCount: pass.controlCount,
    logEFail: fail.logE,
    logEPass: pass.logE,
    failAt,
    passAt,
    method: method.name,
    validity: pass.validity,
    wouldChange: wouldChange(status, pass, passAt, context),
    source: metric.source,
    ...noteOf(context, status, contradicted),
  };
  return isPlain ? byPlainRule(verdict, evidence, context) : verdict;
}

/** A trip by the plain rule claims nothing but what was seen: no interval, and the value of the window alone. */
function byPlainRule(verdict: Verdict, evidence: CheckEvidence, { check, metric }: VerdictContext): Verdict {
  const { interval: _interval, value: _value, ...rest } = verdict;
  const { value, note } = plainRuleTrip(evidence, check, metric);
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
  context: VerdictContext,
  status: VerdictStatus,
  contradicted: boolean,
): Pick<Verdict, 'note' | 'sharedWithControl'> {
  if (status === 'error') return { note: context.sourceError ?? '' };
  if (status === 'no-data') return { note: context.silent ?? '' };
  if (status === 'fail' && controlBreachesToo(context)) {
    return { sharedWithControl: true, note: 'control breaches too: shared incident likely' };
  }
  return contradicted && status === 'inconclusive'
    ? { note: 'the last quarter of the stage looks worse: harm may start late' }
    : {};
}

function controlBreachesToo(context: VerdictContext): boolean {
  const { check, metric, evidence } = context;
  const control = evidence.metrics[metric.name]?.control;
  const line = lineOf(check, metric, 'fail', context.baseline);
  if (check.limit.kind !== 'absolute' || line === undefined || control === undefined || control.n === 0) return false;
  if (metric.kind === 'quantile' || metric.kind === 'rate' || metric.kind === 'count') return false;
  const value = control.x / control.n;
  return metric.harm === 'higher' ? value > line : value < line;
}
