import type { NotifyRoute } from '../plan.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import type { RawNotify, RawNotifyRoute } from './plan-schema.ts';
import { readDuration } from './read-values.ts';

/** Reads `notify` of a plan: one route or a list, each a channel's name or a mapping. Logs what does not hold. */
export function readNotify(raw: RawNotify | undefined, log: IssueLog): readonly NotifyRoute[] {
  if (raw === undefined) return [];
  return Array.isArray(raw)
    ? raw.map((route, index) => readRoute(route, ['notify', index], log))
    : [readRoute(raw, ['notify'], log)];
}

function readRoute(raw: string | RawNotifyRoute, path: PlanPath, log: IssueLog): NotifyRoute {
  if (typeof raw === 'string') return { channel: raw };
  const { channel, events, severity, audience, digest } = raw;
  return {
    channel,
    ...(events !== undefined && { events: listOf(events) }),
    ...(severity !== undefined && { severity: listOf(severity) }),
    ...(audience !== undefined && { audience: listOf(audience) }),
    ...(digest !== undefined && { digestMs: readDuration(digest, 0, [...path, 'digest'], log) }),
  };
}

function listOf<T extends string>(value: T | readonly T[]): readonly T[] {
  return typeof value === 'string' ? [value] : value;
}
