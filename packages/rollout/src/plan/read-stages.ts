import { FULL_WEIGHT } from '@rampart/flags';
import type { Check, ExternalGate, GateOutcome, Stage } from '../plan.ts';
import { ALERTS } from './alert-criterion.ts';
import { HOUR_MS } from './duration.ts';
import type { PlanPath } from './issue-log.ts';
import { suggest } from './nearest.ts';
import type { RawStage } from './plan-schema.ts';
import { asGate, type CheckReader, readListedCheck, refuseTwin } from './read-checks.ts';
import { readExternalGate } from './read-gates.ts';
import { readDuration, readName, readPercentage } from './read-values.ts';

/** What a stage's name means by default (semantics §1). */
const OUTCOMES: ReadonlyMap<string, Pick<Stage, 'onFail' | 'onInconclusive'>> = new Map([
  ['internal', { onFail: 'fix', onInconclusive: 'hold' }],
  ['beta', { onFail: 'extend', onInconclusive: 'extend' }],
]);
const OTHER_OUTCOMES: { readonly onFail: GateOutcome; readonly onInconclusive: 'hold' } = {
  onFail: 'rollback',
  onInconclusive: 'hold',
};

type Gate = Pick<Stage, 'gate' | 'confirmations' | 'external'>;

function includeStage(name: string, before: readonly Stage[], path: PlanPath, reader: CheckReader): readonly Check[] {
  const found = before.find((stage) => stage.name === name);
  if (found) return found.gate;
  const hint =
    before.length === 0
      ? 'no stage stands before this one'
      : suggest(
          name,
          before.map((stage) => stage.name),
        );
  reader.log.error('unknown-stage', path, `received ${JSON.stringify(name)}; name a stage that stands before: ${hint}`);
  return [];
}

function readGate(
  raw: NonNullable<RawStage['gate']>,
  before: readonly Stage[],
  path: PlanPath,
  reader: CheckReader,
): Gate {
  const gate: Check[] = [];
  const confirmations: string[] = [];
  const external: ExternalGate[] = [];
  for (const [index, item] of raw.entries()) {
    const at = [...path, index];
    if ('confirm' in item) confirmations.push(item.confirm);
    else if ('stage' in item) {
      const known = new Set(gate.map((check) => check.id));
      gate.push(...includeStage(item.stage, before, [...at, 'stage'], reader).filter((check) => !known.has(check.id)));
    } else if ('webhook' in item || 'signal' in item) external.push(readExternalGate(item, at, external, reader.log));
    else {
      const check = readListedCheck('gate', item, at, reader);
      if (check && !refuseTwin(check, gate, at, reader.log)) gate.push(check);
    }
  }
  if (raw.length === 0) {
    reader.log.warning('empty-gate', path, 'this stage proceeds on time alone; remove gate: to use the abort criteria');
  }
  return { gate, confirmations, ...(external.length > 0 && { external }) };
}

/** The weight of a stage; a hold-back keeps part of everyone on the old variant at 100 %. */
function readWeight(raw: RawStage, path: PlanPath, isLast: boolean, reader: CheckReader): number {
  const range = { least: 1, fallback: FULL_WEIGHT } as const;
  const weight = readPercentage(raw.percentage, range, [...path, 'percentage'], reader.log);
  if (raw.holdback === undefined) return weight;
  const at = [...path, 'holdback'];
  if (!isLast || weight !== FULL_WEIGHT || raw.audience !== undefined) {
    const message = 'a hold-back belongs to the last stage, at 100 % of everyone; lower the percentage elsewhere';
    reader.log.error('misplaced-key', at, message, 'key');
    return weight;
  }
  const held = readPercentage(raw.holdback, { least: 0, fallback: 0 }, at, reader.log);
  if (held >= FULL_WEIGHT)
    reader.log.error('percentage-out-of-range', at, 'a hold-back of 100 % leaves nobody exposed; write 1 to 5');
  return weight - held;
}

/** Minimum duration in ms; `null`: permanent. The last stage is permanent by default. */
function readStageDuration(raw: RawStage, path: PlanPath, isLast: boolean, reader: CheckReader): number | null {
  const at = [...path, 'duration'];
  if (raw.duration === undefined && !isLast) {
    reader.log.error('missing-key', at, '"duration" is missing; add the least time this stage lasts, as 24h');
  }
  if (raw.duration === undefined) return null;
  if (raw.duration.trim() !== 'permanent') return readDuration(raw.duration, HOUR_MS, at, reader.log);
  if (!isLast)
    reader.log.error('permanent-not-last', at, 'only the last stage can be permanent; write a duration as 24h');
  return null;
}

function readMaxDuration(raw: RawStage, durationMs: number | null, path: PlanPath, reader: CheckReader): number | null {
  const at = [...path, 'maxDuration'];
  if (durationMs === null) {
    if (raw.maxDuration !== undefined) {
      reader.log.error('misplaced-key', at, 'a permanent stage has no longest duration; remove maxDuration', 'key');
    }
    return null;
  }
  const longestMs = readDuration(raw.maxDuration, 3 * durationMs, at, reader.log);
  if (longestMs < durationMs) {
    reader.log.error(
      'out-of-range',
      at,
      `received ${JSON.stringify(raw.maxDuration)}; it must not be shorter than the duration`,
    );
  }
  return longestMs;
}

function readStage(
  raw: RawStage,
  index: number,
  isLast: boolean,
  before: readonly Stage[],
  reader: CheckReader,
): Omit<Stage, keyof Gate> {
  const path = ['stages', index];
  const durationMs = readStageDuration(raw, path, isLast, reader);
  const outcomes = OUTCOMES.get(raw.name.toLowerCase()) ?? OTHER_OUTCOMES;
  if (before.some((stage) => stage.name === raw.name)) {
    reader.log.error(
      'duplicate-stage',
      [...path, 'name'],
      `a stage named ${JSON.stringify(raw.name)} stands before; rename one`,
    );
  }
  if (raw.monitor !== undefined && !isLast) {
    reader.log.error('misplaced-key', [...path, 'monitor'], 'monitor belongs to the last stage; move it there', 'key');
  }
  return {
    name: readName(raw.name, [...path, 'name'], reader.log),
    ...(raw.audience === undefined ? {} : { audience: readName(raw.audience, [...path, 'audience'], reader.log) }),
    weight: readWeight(raw, path, isLast, reader),
    durationMs,
    maxDurationMs: readMaxDuration(raw, durationMs, path, reader),
    onFail: raw.onFail ?? outcomes.onFail,
    onInconclusive: raw.onInconclusive ?? outcomes.onInconclusive,
  };
}

/** Alerts stop a rollout, and never let it on: that none fired says nothing where none would. */
function isAlert({ metric }: Check, { metrics }: CheckReader): boolean {
  return metrics.get(metric)?.source === ALERTS;
}

/** Reads the stages in order. A stage without `gate` is gated by the abort criteria, but for alerts. */
export function readStages(
  raw: readonly RawStage[],
  abortCriteria: readonly Check[],
  reader: CheckReader,
): readonly Stage[] {
  const stages: Stage[] = [];
  for (const [index, item] of raw.entries()) {
    const stage = readStage(item, index, index === raw.length - 1, stages, reader);
    const gate: Gate = item.gate
      ? readGate(item.gate, stages, ['stages', index, 'gate'], reader)
      : { gate: abortCriteria.filter((check) => !isAlert(check, reader)).map(asGate), confirmations: [] };
    stages.push({ ...stage, ...gate });
  }
  if (raw.length === 0) reader.log.error('empty-stages', ['stages'], 'received no stages; add at least one');
  return stages;
}
