import { isOver } from '../decide/tick-verdicts.ts';
import type { Tier } from '../plan.ts';
import type { Verdict, VerdictStatus } from '../verdict.ts';

/** A check that began to fail. */
export type Alarm = {
  readonly at: number;
  readonly check: string;
  readonly tier: Tier;
  readonly metric: string;
  readonly limit: string;
  /** Attempt and stage in which it rang; attempt 0 where there is no rollout. */
  readonly attempt: number;
  readonly stage: string;
  readonly verdict: Verdict;
};

/** What one check said over the whole history. */
export type CheckHistory = {
  readonly check: string;
  readonly tier: Tier;
  readonly metric: string;
  readonly limit: string;
  readonly alarms: number;
  readonly firstFailAt?: number;
  readonly firstPassAt?: number;
  /** Last status of all. */
  readonly status: VerdictStatus;
  /** The furthest it ever got: one that was inconclusive stays so when evidence ends. */
  readonly furthest: VerdictStatus;
  /** Most exposed observations it rested on. */
  readonly observations: number;
};

/** Where and when a judgement was made. */
export type Moment = { readonly at: number; readonly attempt: number; readonly stage: string };

/** Alarms and passes of checks as judgements come in. */
export type AlarmLog = {
  /** Gives the alarms that this judgement raised. */
  readonly judged: (verdicts: readonly Verdict[], moment: Moment) => readonly Alarm[];
  /** Statistics begin afresh: what rang has fallen silent. */
  readonly reset: () => void;
  readonly alarms: () => readonly Alarm[];
  readonly checks: () => readonly CheckHistory[];
};

/** From what says least. */
const FROM_LEAST: readonly VerdictStatus[] = ['no-data', 'error', 'insufficient', 'inconclusive', 'pass', 'fail'];

function further(one: VerdictStatus, other: VerdictStatus): VerdictStatus {
  return FROM_LEAST.indexOf(other) > FROM_LEAST.indexOf(one) ? other : one;
}

/** A log with nothing in it. An alarm lasts until safety is shown or the evidence of harm is used up: it rings once for that. */
export function openAlarmLog(): AlarmLog {
  const alarms: Alarm[] = [];
  const ringing = new Set<string>();
  const checks = new Map<string, CheckHistory>();
  const note = (verdict: Verdict, at: number, isNew: boolean): void => {
    const { check, tier, metric, limit, status, treatmentCount: observations } = verdict;
    const before: Partial<CheckHistory> = checks.get(check) ?? {};
    const firstFailAt = before.firstFailAt ?? (status === 'fail' ? at : undefined);
    const firstPassAt = before.firstPassAt ?? (status === 'pass' ? at : undefined);
    checks.set(check, {
      ...{ check, tier, metric, limit, status, furthest: further(before.furthest ?? status, status) },
      alarms: (before.alarms ?? 0) + (isNew ? 1 : 0),
      observations: Math.max(before.observations ?? 0, observations),
      ...(firstFailAt !== undefined && { firstFailAt }),
      ...(firstPassAt !== undefined && { firstPassAt }),
    });
  };
  const raise = (verdict: Verdict, moment: Moment): Alarm => {
    const { check, tier, metric, limit } = verdict;
    ringing.add(check);
    return { ...moment, check, tier, metric, limit, verdict };
  };
  return {
    judged(verdicts, moment) {
      const raised: Alarm[] = [];
      for (const verdict of verdicts) {
        const isNew = verdict.status === 'fail' && !ringing.has(verdict.check);
        if (isNew) raised.push(raise(verdict, moment));
        else if (isOver(verdict)) ringing.delete(verdict.check);
        note(verdict, moment.at, isNew);
      }
      alarms.push(...raised);
      return raised;
    },
    reset: () => ringing.clear(),
    alarms: () => alarms,
    checks: () => [...checks.values()],
  };
}
