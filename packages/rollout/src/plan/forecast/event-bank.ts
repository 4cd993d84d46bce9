import {
  bankLogE,
  EQUAL_WEIGHTS,
  FAIL_LOG_WEIGHTS,
  type LinearBank,
  passGrid,
  RATIO_GRID,
  thresholdBank,
} from '@rampart/stats';

/**
 * A bank of likelihood ratios over trials of which some are events: `a` of the bank counts events, `b` the rest. Of the
 * threshold grid a trial is an observation; of the rate-ratio grid it is a bad event of either arm, and an event is one
 * of treatment's (Lindon & Malek 2022).
 */
export type EventBank = LinearBank;

/** Whether evidence grows with more events or with fewer. */
export function growsWithEvents({ first, second }: EventBank): boolean {
  return first[0] > second[0];
}

/** The threshold grid (a3) for a share and its limit. @param direction which side of the limit is looked for. */
export function thresholdEventBank(limit: number, direction: 'above' | 'below'): EventBank {
  // As the core does: the grid bets on multiples of the limit, so it counts the rarer of events and the rest.
  if (limit <= 0.5) return thresholdBank(limit, direction);
  const mirrored = thresholdBank(1 - limit, direction === 'above' ? 'below' : 'above');
  return { first: mirrored.second, second: mirrored.first, logWeights: mirrored.logWeights };
}

function conditionalBank(
  nullRatio: number,
  controls: number,
  ratios: readonly number[],
  logWeights: readonly number[],
) {
  const rests = ratios.map((ratio) => -Math.log1p((nullRatio * (ratio - 1)) / (nullRatio + controls)));
  return { first: ratios.map((ratio, g) => Math.log(ratio) + rests[g]), second: rests, logWeights };
}

/**
 * The rate-ratio grid (a1), given the events of both arms. @param nullRatio ratio of treatment's rate to control's at
 * the limit. @param controls control observations for each one in treatment.
 */
export function rateRatioFailBank(nullRatio: number, controls: number, harm: 'higher' | 'lower'): EventBank {
  const ratios = RATIO_GRID.map((ratio) => (harm === 'higher' ? ratio : 1 / ratio));
  return conditionalBank(nullRatio, controls, ratios, FAIL_LOG_WEIGHTS);
}

/** The pass side of the rate-ratio grid; its bets lie as for `margin` (see `passGrid`). */
export function rateRatioPassBank(nullRatio: number, controls: number, margin: number): EventBank {
  const { ratios, weights } = passGrid(margin);
  return conditionalBank(nullRatio, controls, ratios, weights.map(Math.log));
}

/** A Poisson count is a share of so many trials that two events never fall into one. */
export const POISSON_TRIALS = 1e6;

/** The Poisson grid (d1) for a rate: a trial is a millionth of the exposure in which one event is expected at the limit. */
export function poissonEventBank(direction: 'above' | 'below'): EventBank {
  const ratios = RATIO_GRID.map((ratio) => (direction === 'above' ? ratio : 1 / ratio));
  const rests = ratios.map((ratio) => (1 - ratio) / POISSON_TRIALS);
  return {
    first: ratios.map((ratio, g) => Math.log(ratio) + rests[g]),
    second: rests,
    logWeights: EQUAL_WEIGHTS.map(Math.log),
  };
}

/** Fewest events in `trials` (most, of a bank that grows with fewer) at which the evidence reaches the threshold; not whole. */
export function criticalEvents(bank: EventBank, trials: number, threshold: number): number {
  const isEnough = (events: number) => bankLogE(bank, events, trials - events) >= threshold;
  const grows = growsWithEvents(bank);
  if (!isEnough(grows ? trials : 0)) return grows ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  let [low, high] = [0, trials];
  for (let halving = 0; halving < 60 && high - low > 1e-9 * trials; halving += 1) {
    const middle = (low + high) / 2;
    if (isEnough(middle) === grows) high = middle;
    else low = middle;
  }
  return grows ? high : low;
}

/** Trials after which evidence on the expected path reaches the threshold; `Infinity`: never. */
export function expectedTrials(bank: EventBank, share: number, threshold: number): number {
  const logE = (trials: number) => bankLogE(bank, trials * share, trials * (1 - share));
  let high = 1;
  while (logE(high) < threshold) {
    high *= 2;
    if (high > 2 ** 52) return Number.POSITIVE_INFINITY;
  }
  let low = 0;
  for (let halving = 0; halving < 50; halving += 1) {
    const middle = (low + high) / 2;
    if (logE(middle) >= threshold) high = middle;
    else low = middle;
  }
  return high;
}
