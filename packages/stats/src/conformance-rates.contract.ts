import { type Batches, type Check, check, counts, rateRatioLogE } from './conformance.contract.ts';
import * as stats from './index.ts';

/** Expectation of the e-value over all outcomes of two Bernoulli samples. */
function expectedE(i: { nT: number; nC: number; pT: number; pC: number; r0: number }) {
  let sum = 0;
  for (let xT = 0; xT <= i.nT; xT += 1) {
    for (let xC = 0; xC <= i.nC; xC += 1) {
      const chance = binomial(xT, i.nT, i.pT) * binomial(xC, i.nC, i.pC);
      sum += chance * Math.exp(rateRatioLogE([[xT, i.nT, xC, i.nC]], i.r0));
    }
  }
  return sum;
}

function binomial(x: number, n: number, p: number) {
  const ways = stats.logGamma(n + 1) - stats.logGamma(x + 1) - stats.logGamma(n - x + 1);
  return Math.exp(ways + x * Math.log(p) + (n - x) * Math.log1p(-p));
}

/** Fewest treatment events among `events` that refute H0 "treatment has at most its share of events". */
function boundary(events: number, share: number, alpha: number, from = 0) {
  const logE = (t: number) => rateRatioLogE([[t, share, events - t, 1 - share]]);
  let t = from;
  while (t <= events && logE(t) < Math.log(1 / alpha)) t += 1;
  return t;
}

/** Exact run of the test, a look after every event, each of which is treatment's with chance `q`. */
function exactRun(i: { share: number; alpha: number }, q: number, events: number) {
  let going = new Float64Array([1]);
  let limit = 0;
  const run = { power: 0, mean_events: 0, mean_treatment_errors: 0 };
  for (let k = 1; k <= events; k += 1) {
    const next = new Float64Array(k + 1);
    limit = boundary(k, i.share, i.alpha, limit);
    for (let t = 0; t < going.length; t += 1) {
      next[t]! += going[t]! * (1 - q);
      next[t + 1]! += going[t]! * q;
    }
    for (let t = limit; t <= k; t += 1) {
      run.power += next[t]!;
      run.mean_events += next[t]! * k;
      run.mean_treatment_errors += next[t]! * t;
    }
    going = next.slice(0, limit);
  }
  return run;
}
type Grid = { batches_xT_nT_xC_nC: Batches; r0: number; ratios: number[]; weights: number[] };

/** Rates side by side, and what the test does over thousands of events. */
export const rates: readonly Check[] = [
  check(/^(prop\.concurrent\.(pass_margin|allocation|single|margin|no_events)|cluster\.first_event)/, (i: Grid) =>
    rateRatioLogE(i.batches_xT_nT_xC_nC, i.r0, i.ratios, i.weights),
  ),
  check(/^prop\.concurrent\.expected_E/, expectedE),
  check(/^prop\.concurrent\.ratio_mle/, (i: Grid & { alpha: number }) => {
    const { ratio, low, high } = stats.rateRatioInterval(i.batches_xT_nT_xC_nC.map(counts), i.alpha);
    return [ratio, low, high];
  }),
  check(/^prop\.concurrent\.boundary/, (i: { share: number; alpha: number; total_events: number[] }) =>
    i.total_events.map((events) => boundary(events, i.share, i.alpha)),
  ),
  check(/^prop\.lattice/, (i: Grid & { r: number[] }) => {
    const lattice = i.batches_xT_nT_xC_nC.map(counts).reduce(stats.updateLattice, stats.emptyLattice());
    return i.r.map((r) => lattice[stats.LATTICE_RATIOS.indexOf(r)]);
  }),
  check(
    /^oc\.exact_type1/,
    (i: { share: number; events: number; alpha: number }) => exactRun(i, i.share, i.events).power,
  ),
  check(/^oc\.exact_mean/, (i: { share: number; r: number; alpha: number; kmax: number }) =>
    exactRun(i, (i.r * i.share) / (i.r * i.share + 1 - i.share), i.kmax),
  ),
  check(/^onset\./, (i: { batches: Batches; starts: number[]; weights: number[] }) =>
    stats.weightedAverageLogE(
      i.weights,
      i.starts.map((start) => rateRatioLogE(i.batches.slice(start))),
    ),
  ),
];
