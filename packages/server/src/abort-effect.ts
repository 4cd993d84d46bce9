import { decide, type Incident, RAMPART, type RolloutCommand } from '@rampart/rollout';
import type { Aftermath } from './abort-aftermath.ts';
import type { Clock } from './clock.ts';
import type { InstanceRegistry } from './instance-registry.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Time an abort has to take everywhere before on-call is told that it did not. */
export const EFFECT_LIMIT_MS = 60_000;
/** Time without anyone treated after which exposure has fallen: three flushes of an SDK. */
export const QUIET_MS = 30_000;

/** What following an abort works with. */
export type EffectDeps = {
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
  readonly aftermath: Aftermath;
};

/**
 * Follows an abort until it is known to have taken: records when every SDK there evaluates by it, when telemetry shows that nobody is
 * treated any more, and, once, that it has not taken in time.
 */
export async function followAbort(id: string, deps: EffectDeps): Promise<void> {
  const { table, clock } = deps;
  const run = table.get(id);
  const pending = table.pendingEffect(id);
  if (run === undefined || pending === undefined) {
    deps.aftermath.forget(id);
    return;
  }
  const now = clock.now();
  const incident = run.state.incidents.find(({ number }) => number === pending.incident);
  if (incident === undefined || now < pending.notBefore) return;
  for (const command of commandsOf(id, incident, pending.revision, deps)) {
    const decision = decide(run.state, command, RAMPART, now);
    if (!decision.ok || decision.events.length === 0) continue;
    const causes = decision.events.map((event) => ({ event, by: RAMPART.id }));
    const committed = await table.commit({ rollout: id, before: run, causes, at: now });
    if (!committed.ok) await table.refresh();
    return;
  }
}

function commandsOf(
  id: string,
  incident: Incident,
  revision: number,
  { clock, instances, aftermath }: EffectDeps,
): readonly RolloutCommand[] {
  const now = clock.now();
  const { number, openedAt, tookEffectAt } = incident;
  const since = tookEffectAt ?? openedAt;
  const { connected, acknowledged } = instances.acknowledged(revision, now);
  const { treated, treating, lastTreatedAt = since, quietReports } = aftermath.of(id, since);
  const isQuiet = quietReports > 0 && now - lastTreatedAt >= QUIET_MS;
  return [
    ...(tookEffectAt === undefined && acknowledged >= connected
      ? [{ type: 'ConfirmEffect', incident: number, acknowledged, connected } as const]
      : []),
    ...(tookEffectAt !== undefined && isQuiet
      ? [{ type: 'ConfirmExposureFell', incident: number, reports: quietReports } as const]
      : []),
    // After the confirmation one late observation is no people who still see it: it must go on.
    ...(now - since >= EFFECT_LIMIT_MS && (tookEffectAt === undefined || now - lastTreatedAt < QUIET_MS)
      ? [{ type: 'ReportUnconfirmed', incident: number, acknowledged, connected, treated, treating } as const]
      : []),
  ];
}
