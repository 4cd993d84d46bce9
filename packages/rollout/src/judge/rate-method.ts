import { designEffect, poissonLogE, poissonPassLogE, thresholdLogE, thresholdPassLogE } from '@rampart/stats';
import { FULL_WEIGHT } from '@rampart/flags';
import { USER_BUCKETS } from '../evidence.ts';
import type { Check } from '../plan.ts';
import { exposedSums, type MetricBatch } from './arm-sums.ts';
import { limitOf, lineOf, type Side } from './line.ts';
import type { Method, MethodContext, SideEvidence } from './method.ts';
import { plus, type Tally, total } from './tally.ts';

/** Layout: per-bucket observations of both arms, of treatment, expected share sums; then exposed count and seconds. */
const K = USER_BUCKETS;

function increment(batch: MetricBatch, context: MethodContext): Tally {
  let sum: Tally = new Array<number>(2 * K + 3).fill(0);
  for (const { stratum, treatment, control } of batch.strata) {
    const both = treatment.n.map((n, b) => n + control.n[b]);
    const share = stratum / FULL_WEIGHT;
    sum = plus(sum, [...both.slice(0, K), ...treatment.n.slice(0, K), total(both) * share, 0, 0]);
  }
  const exposed = exposedSums(batch).reduce((all, arm) => all + total(arm.n), 0);
  return plus(sum, [...new Array<number>(2 * K + 1).fill(0), exposed, context.batchMs / 1000]);
}

/** Share of all observations that are treatment's, against the designed share times the limit's ratio: diurnal traffic cancels. */
function shareEvidence(tally: Tally, side: Side, context: MethodContext): SideEvidence {
  const [both, ofTreatment] = [tally.slice(0, K), tally.slice(K, 2 * K)];
  const [n, x] = [total(both), total(ofTreatment)];
  const designed = tally[2 * K] / n;
  const limit = limitOf(context.check, side);
  const ratio = limit.kind === 'relative' ? limit.ratio : 1;
  const odds = (ratio * designed) / (1 - designed);
  const line = odds / (1 + odds);
  const effect = designEffect(both, ofTreatment);
  const isLow = context.metric.harm === 'lower';
  const [bad, at] = isLow ? [n - x, 1 - line] : [x, line];
  const judge = side === 'fail' ? thresholdLogE : thresholdPassLogE;
  return { logE: judge(bad / effect, n / effect, at), treatmentCount: x, controlCount: n - x, validity: 'asymptotic' };
}

function poissonEvidence(tally: Tally, side: Side, context: MethodContext): SideEvidence {
  const [x, seconds] = tally.slice(2 * K + 1);
  const counts: SideEvidence = { logE: 0, treatmentCount: x, controlCount: 0, validity: 'assumes independent requests' };
  const line = lineOf(context.check, context.metric, side, context.baseline);
  if (line === undefined) return { ...counts, insufficient: 'a baseline of this metric' };
  const { designEffect: effect, harm } = context.metric;
  const judge = side === 'fail' ? poissonLogE : poissonPassLogE;
  return { ...counts, value: seconds > 0 ? x / seconds : 0, logE: judge(x / effect, (line * seconds) / effect, harm) };
}

/** Rates: while there is a control, treatment's share of all observations; alone, observations per second against a line (d1). */
export function rateMethod(_check: Check): Method {
  return {
    name: 'share of traffic with design effect of users (a3); Poisson rate (d1) without control',
    increment: (batch, _side, context) => increment(batch, context),
    evidence: (tally, side, context) => {
      if (tally.length === 0) return { logE: 0, treatmentCount: 0, controlCount: 0, validity: 'asymptotic' };
      const hasControl = total(tally.slice(0, K)) > total(tally.slice(K, 2 * K));
      return hasControl && tally[2 * K] > 0 ? shareEvidence(tally, side, context) : poissonEvidence(tally, side, context);
    },
  };
}
