import type { JsonValue } from '@rampart/flags';
import { FULL_WEIGHT } from '@rampart/flags';
import type { Check, Metric, Plan, Stage } from '../plan.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS } from './duration.ts';
import { refuseDayOne, refuseFallingExposure, refuseOpenEnd } from './exposure-rules.ts';
import type { IssueLog } from './issue-log.ts';
import type { RawPlan } from './plan-schema.ts';
import { readCalendar } from './read-calendar.ts';
import { type CheckReader, defaultAlerts, readChecks, readTrips } from './read-checks.ts';
import { readGates } from './read-gates.ts';
import { readJudges } from './read-judges.ts';
import { type KnownMetrics, readMetrics } from './read-metrics.ts';
import { readNotify } from './read-notify.ts';
import { readPreflight } from './read-preflight.ts';
import { readStages } from './read-stages.ts';
import { readTracker } from './read-tracker.ts';
import { readDuration, readFlagName, readName } from './read-values.ts';

/** What a plan's reader is told from outside; both win over the plan's own keys. `now` is epoch ms. */
export type ReadOptions = { readonly now?: number; readonly override?: string; readonly timeScale?: number };

const EXIT = ['ga-stable', 'no-abort', 'docs-updated', 'flag-cleanup-scheduled'];

function readFlag(raw: RawPlan, log: IssueLog): string {
  if (raw.flag !== undefined && raw.flagName !== undefined) {
    log.error('conflicting-keys', ['flagName'], 'flag says the same; keep one of them', 'key');
  }
  const flag = raw.flag ?? raw.flagName;
  if (flag === undefined) {
    log.error('missing-key', ['flag'], '"flag" is missing; add the key of the flag to roll out');
    return '';
  }
  return readFlagName(flag, [raw.flag === undefined ? 'flagName' : 'flag'], log);
}

function readOwners(raw: RawPlan['owners']): Plan['owners'] {
  const { stakeholders = [], ...people } = raw ?? {};
  return { ...people, stakeholders: typeof stakeholders === 'string' ? [stakeholders] : stakeholders };
}

function readVariants(raw: RawPlan, log: IssueLog): Pick<Plan, 'treatment' | 'control'> {
  const { treatment = 'on', control = 'off' } = raw.variants ?? {};
  if (treatment === control) {
    log.error(
      'conflicting-keys',
      ['variants'],
      `treatment and control are both ${JSON.stringify(treatment)}; name two variants`,
    );
  }
  return { treatment, control };
}

function readKillSwitch(raw: RawPlan, flag: string, reader: CheckReader): Plan['killSwitch'] {
  if (!raw.killSwitch) return undefined;
  if (raw.killSwitch.flag === flag) {
    const message = `${JSON.stringify(flag)} is the feature's own flag; a kill switch is a separate flag whose true means killed`;
    reader.log.error('kill-switch-is-flag', ['killSwitch', 'flag'], message);
  }
  return {
    flag: readFlagName(raw.killSwitch.flag, ['killSwitch', 'flag'], reader.log),
    autoTrip: raw.killSwitch.autoTrip ?? true,
    trips: readTrips(raw.killSwitch, reader),
  };
}

/** Whether the stage as written is 100 % of everyone, with or without a hold-back. */
function isWhole(raw: RawPlan, stages: readonly Stage[], index: number): boolean {
  const stage = stages[index];
  const isHeld = index === stages.length - 1 && raw.stages[index]?.holdback !== undefined;
  const isFull = stage?.weight === FULL_WEIGHT || isHeld;
  return stage?.audience === undefined && isFull;
}

/** A last stage of 100 % that names a duration is permanent, and monitored for that long. */
function readEnding(
  raw: RawPlan,
  stages: readonly Stage[],
  isExact: boolean,
  log: IssueLog,
): { stages: readonly Stage[]; monitorMs: number } {
  const index = stages.length - 1;
  const last = stages[index];
  const monitor = raw.stages[index]?.monitor;
  const monitorMs = readDuration(monitor, last?.durationMs ?? 2 * WEEK_MS, ['stages', index, 'monitor'], log);
  if (!last || !isExact) return { stages, monitorMs };
  const isEnd = isWhole(raw, stages, index);
  if (!isEnd) refuseOpenEnd(last, index, log);
  else if (last.durationMs !== null) {
    const message = 'the last stage is permanent; its duration is read as the time to monitor before the exit gate';
    log.warning('monitor-from-duration', ['stages', index, 'duration'], message);
  }
  return { stages: [...stages.slice(0, -1), { ...last, durationMs: null, maxDurationMs: null }], monitorMs };
}

function usedMetrics(raw: RawPlan, checks: readonly Check[], known: KnownMetrics): readonly Metric[] {
  const names = new Set([...checks.map((check) => check.metric), ...Object.keys(raw.metrics ?? {})]);
  return [...names].flatMap((name) => known.get(name) ?? []);
}

/** Paths of the numbers that the rules across stages look at. */
const STAGE_NUMBER = /^stages\[\d+\]\.(?:percentage|holdback|duration)$/;

type Checked = Pick<Plan, 'metrics' | 'stages' | 'abortCriteria' | 'alerts' | 'monitorMs' | 'killSwitch' | 'judges'>;

function readChecked(raw: RawPlan, flag: string, override: string | undefined, log: IssueLog): Checked {
  const reader: CheckReader = { metrics: readMetrics(raw, log), log };
  const abortCriteria = readChecks('abort', raw.abortCriteria ?? [], ['abortCriteria'], reader);
  const written = readStages(raw.stages, abortCriteria, reader);
  const isExact = !log.issues().some(({ severity, path }) => severity === 'error' && STAGE_NUMBER.test(path));
  if (isExact) {
    refuseFallingExposure(written, log);
    refuseDayOne(
      written,
      written.findIndex((_, index) => isWhole(raw, written, index)),
      override,
      log,
    );
  }
  const { stages, monitorMs } = readEnding(raw, written, isExact, log);
  const killSwitch = readKillSwitch(raw, flag, reader);
  const listed = raw.alerts ? readChecks('alert', raw.alerts, ['alerts'], reader) : [];
  const checks = [...abortCriteria, ...stages.flatMap(({ gate }) => gate), ...(killSwitch?.trips ?? []), ...listed];
  const metrics = usedMetrics(raw, checks, reader.metrics);
  return {
    metrics: Object.fromEntries(metrics.map((metric) => [metric.name, metric])),
    ...readJudges(raw.judges, metrics, reader.metrics, log),
    stages,
    abortCriteria,
    alerts: raw.alerts ? listed : defaultAlerts(metrics),
    ...(killSwitch ? { killSwitch } : {}),
    monitorMs,
  };
}

/** JSON edge: the document was copied as plain JSON before it was read. */
function jsonOf(value: unknown): JsonValue {
  return value as JsonValue;
}

function readHandovers(raw: RawPlan, log: IssueLog): Pick<Plan, 'notify' | 'next'> {
  return {
    notify: readNotify(raw.notify, log),
    ...(raw.next === undefined ? {} : { next: jsonOf(raw.next) }),
  };
}

/** A day where people have to wait for it, a week where it was recorded. */
function readBaseline({ baseline }: RawPlan, log: IssueLog): Plan['baseline'] {
  const windowMs = readDuration(baseline?.window, DAY_MS, ['baseline', 'window'], log);
  return { windowMs, historyMs: baseline?.window === undefined ? 7 * DAY_MS : windowMs };
}

/** The reason given for an override; blank text is none. */
function readOverride(raw: RawPlan, options: ReadOptions): string | undefined {
  return [options.override, raw.override].find((reason) => reason !== undefined && reason.trim() !== '');
}

/** Fills every default of a plan whose shape is right and logs what does not hold. Durations are unscaled; meaningless if the log failed. */
export function readPlan(raw: RawPlan, options: ReadOptions, log: IssueLog): Plan {
  const flag = readFlag(raw, log);
  const override = readOverride(raw, options);
  const title = raw.title ?? flag;
  const tracker = readTracker(raw, title);
  const checked = readChecked(raw, flag, override, log);
  return {
    flag,
    title,
    version: readName(String(raw.version ?? 'unversioned'), ['version'], log),
    environment: readName(raw.environment ?? 'production', ['environment'], log),
    timeScale: 1,
    ...readVariants(raw, log),
    owners: readOwners(raw.owners),
    ...readPreflight(raw, log),
    baseline: readBaseline(raw, log),
    ...checked,
    ...readGates(raw.gates, checked.stages, log),
    retry: {
      cooldownMs: readDuration(raw.retry?.cooldown, HOUR_MS, ['retry', 'cooldown'], log, 'zero'),
      limit: raw.retry?.limit ?? 3,
      people: raw.retry?.people ?? 'same',
    },
    calendar: readCalendar(raw.calendar, options.now, log),
    stuckAfterMs: readDuration(raw.stuckAfter, DAY_MS, ['stuckAfter'], log),
    blindLimitMs: readDuration(raw.blindLimit, 20 * MINUTE_MS, ['blindLimit'], log),
    onBlind: raw.onBlind ?? 'hold',
    exit: raw.exit ?? EXIT,
    alpha: raw.alpha ?? 0.05,
    beta: raw.beta ?? 0.05,
    fourEyes: raw.fourEyes ?? false,
    ...readHandovers(raw, log),
    ...(tracker && { tracker }),
    ...(override === undefined ? {} : { override }),
  };
}
