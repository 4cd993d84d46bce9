import { FULL_WEIGHT } from '@rampart/flags';
import type { Check, Metric, Stage } from '../../plan.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../duration.ts';
import { loosenedCheck, roundedUp } from './loosened-check.ts';
import { passesInTime } from './pass-forecast.ts';
import { exposedBefore, type Prospect, trafficOfStage } from './traffic.ts';

/** A change of one kind that lets a stage's gate tell in time. */
export type StageChange = {
  readonly kind: 'duration' | 'percentage' | 'limit' | 'both';
  readonly stage: string;
  /** What to write in the plan: `duration: 32h`, `percentage: 0.7`, a check, or both of the first (`duration: 3d, percentage: 12`). */
  readonly text: string;
  /** So many times what it was. */
  readonly factor: number;
};

/** What would let a stage's gate tell in time: the smallest change of each kind that can do it alone, and the one to take. */
export type StageProposal = {
  readonly stage: string;
  readonly changes: readonly StageChange[];
  readonly recommended: StageChange | null;
  /** Why that one. */
  readonly why: string;
};

/** Growth of a quantity from one candidate to the next. */
const STEP = 1.04;
/** Changes beyond these factors are no small ones any more. */
const LONGEST = 200;
const WIDEST = 50;
const MOST_FACTOR = 2;

type Place = { readonly stage: Stage; readonly index: number; readonly prospect: Prospect };

/** Whether every check of a stage is likely to pass in time once it is changed. */
function tellsInTime(place: Place, changed: Stage): boolean {
  const { index, prospect } = place;
  const traffic = trafficOfStage(changed, exposedBefore(prospect.plan.stages, index), prospect);
  return changed.gate.every((check) => {
    const metric = prospect.plan.metrics[check.metric];
    return metric === undefined || passesInTime(check, metric, traffic, prospect);
  });
}

/** Whole hours up to three days, then whole days; whole minutes below an hour. */
function durationUp(durationMs: number): { readonly durationMs: number; readonly text: string } {
  const [unit, name] =
    durationMs > 3 * DAY_MS ? [DAY_MS, 'd'] : durationMs > HOUR_MS ? [HOUR_MS, 'h'] : [MINUTE_MS, 'm'];
  const count = Math.ceil(durationMs / unit);
  return { durationMs: count * unit, text: `${count}${name}` };
}

/** First candidate factor in (1, most] that holds; candidates grow by 4 %. */
function firstFactor<T>(most: number, candidate: (factor: number) => T | undefined): T | undefined {
  for (let factor = STEP; factor <= most; factor *= STEP) {
    const found = candidate(factor);
    if (found !== undefined) return found;
  }
  return undefined;
}

function longer(place: Place): StageChange | undefined {
  const { stage, prospect } = place;
  const own = stage.durationMs;
  if (own === null) return undefined;
  return firstFactor(LONGEST, (factor) => {
    const { durationMs, text } = durationUp((own * factor) / prospect.plan.timeScale);
    const scaled = durationMs * prospect.plan.timeScale;
    if (!tellsInTime(place, { ...stage, durationMs: scaled })) return undefined;
    return { kind: 'duration', stage: stage.name, text: `duration: ${text}`, factor: scaled / own };
  });
}

/** The next stage for the same people must expose more of them. */
function ceilingOf({ stage, index, prospect }: Place): number {
  const later = prospect.plan.stages.slice(index + 1).filter(({ audience }) => audience === stage.audience);
  return Math.min(FULL_WEIGHT, ...later.map(({ weight }) => weight)) - 1;
}

function wider(place: Place): StageChange | undefined {
  const { stage } = place;
  const most = ceilingOf(place);
  return firstFactor(most / stage.weight, (factor) => {
    const percentage = roundedUp((stage.weight * factor) / (FULL_WEIGHT / 100));
    const weight = Math.round((percentage * FULL_WEIGHT) / 100);
    if (weight > most || !tellsInTime(place, { ...stage, weight })) return undefined;
    return { kind: 'percentage', stage: stage.name, text: `percentage: ${percentage}`, factor: weight / stage.weight };
  });
}

/** Longer and wider at once, by the same factor as far as the next stage lets the percentage grow. */
function longerAndWider(place: Place): StageChange | undefined {
  const { stage, prospect } = place;
  const own = stage.durationMs;
  const most = ceilingOf(place);
  if (own === null) return undefined;
  return firstFactor(LONGEST, (factor) => {
    const { durationMs, text } = durationUp((own * factor) / prospect.plan.timeScale);
    const percentage = roundedUp((Math.min(most, stage.weight * factor) * 100) / FULL_WEIGHT);
    const weight = Math.min(most, Math.round((percentage * FULL_WEIGHT) / 100));
    const scaled = durationMs * prospect.plan.timeScale;
    if (!tellsInTime(place, { ...stage, durationMs: scaled, weight })) return undefined;
    const written = `duration: ${text}, percentage: ${(weight * 100) / FULL_WEIGHT}`;
    return { kind: 'both', stage: stage.name, text: written, factor: scaled / own };
  });
}

type LooseCheck = { readonly check: Check; readonly text: string; readonly factor: number };

function looserCheck(place: Place, check: Check, metric: Metric): LooseCheck | undefined {
  const { stage, index, prospect } = place;
  const traffic = trafficOfStage(stage, exposedBefore(prospect.plan.stages, index), prospect);
  return firstFactor(WIDEST, (factor) => {
    const loosened = loosenedCheck(check, metric, factor);
    if (loosened === undefined || !passesInTime(loosened.check, metric, traffic, prospect)) return undefined;
    return { ...loosened, factor };
  });
}

/** Wider limits of all checks that are late; none if one of them cannot be helped so. */
function looser(place: Place): StageChange | undefined {
  const { stage, index, prospect } = place;
  const traffic = trafficOfStage(stage, exposedBefore(prospect.plan.stages, index), prospect);
  const changed: LooseCheck[] = [];
  for (const check of stage.gate) {
    const metric = prospect.plan.metrics[check.metric];
    if (metric === undefined || passesInTime(check, metric, traffic, prospect)) continue;
    const loose = looserCheck(place, check, metric);
    if (loose === undefined) return undefined;
    changed.push(loose);
  }
  const text = `gate: [${changed.map((one) => ` ${one.text}`).join(',')} ]`;
  return { kind: 'limit', stage: stage.name, text, factor: Math.max(...changed.map(({ factor }) => factor)) };
}

const NOTHING_HELPS =
  'no longer stage, larger share or wider limit is enough; gate on a metric with more events, or let a person decide: { confirm: … }';

function recommend(changes: readonly StageChange[]): Pick<StageProposal, 'recommended' | 'why'> {
  const of = (kind: StageChange['kind']) => changes.find((change) => change.kind === kind);
  const [duration, percentage, limit] = [of('duration'), of('percentage'), of('limit')];
  if (duration !== undefined && duration.factor <= MOST_FACTOR) {
    return { recommended: duration, why: 'it exposes nobody more and asks for no less' };
  }
  if (percentage !== undefined && percentage.factor <= (duration?.factor ?? Number.POSITIVE_INFINITY)) {
    return { recommended: percentage, why: 'harm until it is found hardly depends on the share, and time is kept' };
  }
  if (duration !== undefined) return { recommended: duration, why: 'no percentage below the next stage is enough' };
  if (limit !== undefined) return { recommended: limit, why: 'no time or share is enough for the limit as it is' };
  const both = of('both');
  if (both !== undefined) return { recommended: both, why: 'neither is enough alone' };
  return { recommended: null, why: NOTHING_HELPS };
}

/** The smallest changes that let the gate of a stage tell in time; `undefined` where it can. */
export function stageProposal(stage: Stage, index: number, prospect: Prospect): StageProposal | undefined {
  const place = { stage, index, prospect };
  if (tellsInTime(place, stage)) return undefined;
  const single = [longer(place), wider(place), looser(place)].filter((change) => change !== undefined);
  const both = single.length === 0 ? longerAndWider(place) : undefined;
  const changes = both === undefined ? single : [both];
  return { stage: stage.name, changes, ...recommend(changes) };
}
