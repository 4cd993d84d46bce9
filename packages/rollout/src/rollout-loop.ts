import type { RolloutCommand } from './command.ts';
import { applyAll, decide } from './decide/decide.ts';
import type { Decision } from './decide/decision.ts';
import type { RolloutEvent } from './event.ts';
import type { EvidenceBatch, EvidenceSeries } from './evidence.ts';
import { type EvidenceState, NO_EVIDENCE } from './judge/evidence-state.ts';
import { judge } from './judge/judge.ts';
import type { ArmSums, PreparedBatch } from './judge/prepared-batch.ts';
import { type Principal, RAMPART } from './principal.ts';
import { reconcile } from './reconcile.ts';
import type { RolloutState } from './state.ts';
import type { Judgement } from './verdict.ts';

/** The core in a loop of its own: it owns the evidence and folds it in place, for simulation and replay. */
export type RolloutLoop = {
  readonly state: () => RolloutState;
  /** Takes a batch in, judges and decides: the events that followed, already applied. The batch is not kept. */
  readonly feed: (batch: PreparedBatch, now: number) => readonly RolloutEvent[];
  /** A look without news. */
  readonly tick: (now: number) => readonly RolloutEvent[];
  readonly command: (command: RolloutCommand, by: Principal, now: number) => Decision;
  readonly judge: (now: number) => Judgement;
};

/** A loop around a rollout as it stands. */
export function openLoop(initial: RolloutState): RolloutLoop {
  let state = initial;
  let evidence: EvidenceState = NO_EVIDENCE;
  const apply = (events: readonly RolloutEvent[], by: Principal, now: number) => {
    state = applyAll(state, events, by, now) ?? state;
    return events;
  };
  const look = (batch: EvidenceBatch | undefined, now: number) => {
    const outcome = reconcile(state, evidence, batch, now);
    evidence = outcome.evidence;
    return apply(outcome.events, RAMPART, now);
  };
  return {
    state: () => state,
    feed: (batch, now) => look(asEvidence(batch), now),
    tick: (now) => look(undefined, now),
    command(command, by, now) {
      const decision = decide(state, command, by, now);
      if (decision.ok) apply(decision.events, by, now);
      return decision;
    },
    judge: (now) => judge(evidence, state, now),
  };
}

// TEMPORARY until foldEvidence takes a PreparedBatch.
function asEvidence(batch: PreparedBatch): EvidenceBatch {
  const series: EvidenceSeries[] = [];
  const add = (place: Pick<EvidenceSeries, 'metric' | 'arm' | 'epoch' | 'stratum'>, sums: ArmSums) => {
    const at = sums.n.map((_, index) => index).filter((index) => sums.n[index] > 0);
    if (at.length === 0) return;
    const pick = (v: readonly number[]) => at.map((index) => v[index]);
    const bins = sums.bins;
    series.push({
      ...place,
      bucket: at.map((index) => (index === 64 ? -1 : index)),
      count: pick(sums.n),
      sum: pick(sums.x),
      sumSquares: pick(sums.xx),
      ...(bins && {
        bins: at.map((index) =>
          bins.bucket.flatMap((bucket, i) => (bucket === index ? [[bins.bin[i], bins.count[i]] as const] : [])),
        ),
      }),
    });
  };
  for (const [metric, { strata, targeted }] of Object.entries(batch.metrics)) {
    for (const { epoch, stratum, treatment, control } of strata) {
      add({ metric, arm: 'treatment', epoch, stratum }, treatment);
      add({ metric, arm: 'control', epoch, stratum }, control);
    }
    for (const { epoch, sums } of targeted) add({ metric, arm: 'targeted', epoch, stratum: 100_000 }, sums);
  }
  for (const metric of ['assigned', 'reported'] as const) {
    for (const { arm, epoch, stratum, count } of batch.users[metric]) {
      series.push({ metric, arm, epoch, stratum, bucket: [-1], count: [count], sum: [count], sumSquares: [count] });
    }
  }
  const { seq, fromAt, toAt, occurrences, instances, failures } = batch;
  return {
    seq,
    fromAt,
    toAt,
    series,
    ...(occurrences && { occurrences }),
    ...(instances && { instances }),
    ...(failures && { failures }),
  };
}
