import type { Score, TelemetrySeries } from '@rampart/api';
import { type Companion, companionOf, type EvaluationPlace, parseEvaluationId } from '@rampart/api/wire';
import {
  type CompiledRuleset,
  compile,
  type EvaluationContext,
  evaluate,
  FULL_WEIGHT,
  type Ruleset,
  unitReader,
  userBucketOf,
} from '@rampart/flags';
import { binOf, currentStageName, type Metric, type RolloutState } from '@rampart/rollout';

/** Bucket of users nobody knows. */
const UNKNOWN_BUCKET = -1;
/** Bucket of a user without a unit: those placed by their audience alone. */
const NO_UNIT_BUCKET = 0;

/** A place, or why there is none. */
type Found = EvaluationPlace | string;

/** A score that counts, as the series it makes. */
export type PlacedScore = { readonly score: Score; readonly series: readonly TelemetrySeries[] };

/** Scores that count, and those that count nowhere. */
export type PlacedScores = {
  readonly taken: readonly PlacedScore[];
  readonly ignored: readonly { readonly id: string; readonly reason: string }[];
};

/** What a score is placed by. The ruleset is compiled only where a context asks for it. */
type Placing = {
  readonly state: RolloutState;
  readonly ruleset: Ruleset;
  readonly compiled: () => CompiledRuleset;
  readonly now: number;
};

/** Idempotency key of a score in the store: a batch of its own, so that each is counted once however it is sent. */
export function scoreKeyOf(flag: string, { id, metric }: Pick<Score, 'id' | 'metric'>): string {
  return `score ${JSON.stringify([flag, metric, id])}`;
}

/** Since when the exposure that is in force now has been; `undefined` where answers have no place now. */
function sinceOf(state: RolloutState): number | undefined {
  return state.stage?.enteredAt ?? state.baselineSince;
}

/** A score that does not say where its answer was given can only be placed by the exposure of then. */
function tooOld(state: RolloutState, at: number): string | undefined {
  const since = sinceOf(state);
  if (since === undefined) return `rollout ${state.id} exposes nobody now; send the evaluation id of the answer`;
  if (at >= since) return undefined;
  return `the answer was given before ${currentStageName(state)}, under another exposure; send its evaluation id`;
}

function byEvaluation(state: RolloutState, evaluation: string): Found {
  const place = parseEvaluationId(evaluation);
  if (place === undefined) return 'the evaluation id is none that the SDK gives';
  if (place.rollout !== state.id) return `the answer was given in rollout ${place.rollout}, not in ${state.id}`;
  if (place.epoch > state.epoch) return `the rollout has had no epoch ${place.epoch}`;
  return place;
}

function byContext({ state, ruleset, compiled }: Placing, context: EvaluationContext): Found {
  const flag = ruleset.flags[state.plan.flag];
  if (flag === undefined) return `flag ${state.plan.flag} is not served`;
  const [sample] = Object.values(flag.variants);
  const { place } = evaluate(compiled(), flag.key, sample ?? null, context);
  if (place === undefined) return 'the context takes no part in the rollout';
  const unit = unitReader(flag.bucketBy ?? 'targetingKey')(context);
  return { ...place, bucket: unit === undefined ? NO_UNIT_BUCKET : userBucketOf(unit) };
}

function byVariant(state: RolloutState, variant: string): Found {
  const { plan, layers } = state;
  const place = { rollout: state.id, attempt: state.attempt, epoch: state.epoch, bucket: UNKNOWN_BUCKET };
  const isTreatment = variant === plan.treatment;
  if (!isTreatment && variant !== plan.control) {
    return `variant ${JSON.stringify(variant)} is neither ${plan.treatment} nor ${plan.control}`;
  }
  if (layers.length === 0) return { ...place, arm: 'control', stratum: 0 };
  const [layer] = layers;
  if (layer === undefined || layers.length > 1) {
    return 'the stage has several audiences, and a variant does not say which; send the evaluation id or the context';
  }
  const isTargeted = layer.segment !== undefined && layer.weight === FULL_WEIGHT;
  if (isTargeted) return { ...place, arm: 'targeted', stratum: FULL_WEIGHT };
  return { ...place, arm: isTreatment ? 'treatment' : 'control', stratum: layer.weight };
}

function placeOf(score: Score, placing: Placing): Found {
  const { state, now } = placing;
  const { evaluation, context, variant, at = now } = score;
  if (evaluation !== undefined) return byEvaluation(state, evaluation);
  const old = tooOld(state, at);
  if (old !== undefined) return old;
  return context === undefined ? byVariant(state, variant ?? '') : byContext(placing, context);
}

/** Why a score cannot count for a metric. */
function unfit({ metric: name, score }: Score, metric: Metric | undefined): string | undefined {
  if (metric === undefined) return `no check of the rollout uses metric ${JSON.stringify(name)}`;
  if (metric.kind === 'count' || metric.kind === 'rate') return `${name} is a ${metric.kind}, which takes no scores`;
  const isShare = metric.unit === 'ratio' || metric.unit === 'score';
  if (score === undefined || !isShare || (score >= 0 && score <= 1)) return undefined;
  return `${name} lies in [0, 1]; received ${score}`;
}

function seriesOf(score: Score, { kind }: Metric, flag: string, place: EvaluationPlace): readonly TelemetrySeries[] {
  const { bucket, ...rest } = place;
  const one = (metric: string, value: number): TelemetrySeries => ({
    ...{ ...rest, flag, metric, bucket: [bucket], count: [1], sum: [value], sumSquares: [value * value] },
  });
  const beside = (companion: Companion, value: number | undefined) =>
    value === undefined ? [] : [one(companionOf(score.metric, companion), value)];
  const cost = beside('cost', score.cost);
  if (score.score === undefined) return [...beside('unmeasured', 1), ...cost];
  const scored = one(score.metric, score.score);
  const own = kind === 'quantile' ? { ...scored, bins: [[[binOf(score.score), 1] as const]] } : scored;
  return [own, ...beside('sampling', score.samplingRate), ...cost];
}

/** Finds out where scores count. `state` is the rollout of the flag whose evidence is read now, if there is one. */
export function placeScores(
  flag: string,
  scores: readonly Score[],
  state: RolloutState | undefined,
  ruleset: Ruleset,
  now: number,
): PlacedScores {
  let known: CompiledRuleset | undefined;
  const compiled = () => {
    known ??= compile(ruleset);
    return known;
  };
  const taken: PlacedScore[] = [];
  const ignored: { readonly id: string; readonly reason: string }[] = [];
  for (const score of scores) {
    const metric = state?.plan.metrics[score.metric];
    const found =
      state === undefined
        ? `no rollout of flag ${flag} reads evidence now`
        : (unfit(score, metric) ?? placeOf(score, { state, ruleset, compiled, now }));
    if (typeof found === 'string' || metric === undefined) ignored.push({ id: score.id, reason: String(found) });
    else taken.push({ score, series: seriesOf(score, metric, flag, found) });
  }
  return { taken, ignored };
}
