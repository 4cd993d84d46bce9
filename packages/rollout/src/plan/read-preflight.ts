import type { Plan, PreflightCheck } from '../plan.ts';
import { ACCEPT_RANDOM_INTERNAL } from './internal-segment.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import type { RawPlan, RawPreflightItem } from './plan-schema.ts';
import { readDuration } from './read-values.ts';

/** Items of a plan that names none. */
const PREFLIGHT = ['launch-readiness', 'flag-configured', 'dashboards-ready', 'rollback-tested'];
/** Item that Rampart gives once it has looked at the flag. */
export const FLAG_CONFIGURED = 'flag-configured';
/** Item that a drill gives. */
export const ROLLBACK_TESTED = 'rollback-tested';

/** Item that another principal gives when an agent starts, or the plan asks for four eyes. */
export const PLAN_APPROVED = 'plan-approved';

const WAYS = ['hook', 'url', 'query', 'requires'] as const;

function waysOf(raw: RawPreflightItem): readonly (typeof WAYS)[number][] {
  return WAYS.filter((key) => raw[key] !== undefined);
}

function logMisplaced(raw: RawPreflightItem, path: PlanPath, log: IssueLog): void {
  const [first, second] = waysOf(raw);
  if (second !== undefined) {
    log.error(
      'conflicting-keys',
      [...path, second],
      `${first} says already how the item is given; keep one of them`,
      'key',
    );
  }
  if ((raw.source === undefined) !== (raw.query === undefined)) {
    const missing = raw.source === undefined ? 'source' : 'query';
    log.error(
      'missing-key',
      [...path, missing],
      `"${missing}" is missing: a query is answered by a source of the server`,
    );
  }
  if (raw.expect !== undefined && raw.url === undefined) {
    log.error('misplaced-key', [...path, 'expect'], 'expect is the status of an address; give url as well', 'key');
  }
  if (raw.within !== undefined && raw.item !== ROLLBACK_TESTED) {
    log.error(
      'misplaced-key',
      [...path, 'within'],
      `within is of ${ROLLBACK_TESTED} only: how long a drill may take`,
      'key',
    );
  }
  if (raw.item === PLAN_APPROVED && first !== undefined) {
    const message = `another principal gives ${PLAN_APPROVED}, and nothing that the plan itself names; write it as a plain name`;
    log.error('misplaced-key', [...path, first], message, 'key');
  }
  if (raw.item === FLAG_CONFIGURED && first !== undefined) {
    log.error(
      'misplaced-key',
      [...path, first],
      `Rampart gives ${FLAG_CONFIGURED} itself; write it as a plain name`,
      'key',
    );
  }
}

const HTTP = /^https?:\/\/[^\s/@]+(?:[/?#]\S*)?$/i;

function byOf(raw: RawPreflightItem, path: PlanPath, log: IssueLog): PreflightCheck['by'] {
  const { hook, url, expect, source, query, requires } = raw;
  if (hook !== undefined) return { kind: 'hook', hook };
  if (url !== undefined) {
    if (!HTTP.test(url)) {
      const message = `received ${JSON.stringify(url.slice(0, 60))}; write an http or https address without credentials`;
      log.error('unknown-value', [...path, 'url'], message);
    }
    return { kind: 'url', url, ...(expect !== undefined && { expect }) };
  }
  if (source !== undefined && query !== undefined) return { kind: 'query', source, query };
  return requires === undefined ? undefined : { kind: 'link' };
}

function readItem(raw: RawPreflightItem, path: PlanPath, log: IssueLog): PreflightCheck {
  logMisplaced(raw, path, log);
  const by = byOf(raw, path, log);
  return {
    ...(by !== undefined && { by }),
    ...(raw.maxAge !== undefined && { maxAgeMs: readDuration(raw.maxAge, 0, [...path, 'maxAge'], log) }),
    ...(raw.within !== undefined && { withinMs: readDuration(raw.within, 0, [...path, 'within'], log) }),
  };
}

/** Items to give before the start, and what stands behind them; for a short-form `internal` stage also the acceptance of random people. */
export function readPreflight(raw: RawPlan, log: IssueLog): Pick<Plan, 'preflight' | 'preflightChecks'> {
  const written = raw.preflight ?? PREFLIGHT;
  const items: string[] = [];
  const checks: Record<string, PreflightCheck> = {};
  for (const [index, one] of written.entries()) {
    const item = typeof one === 'string' ? one : one.item;
    const path = ['preflight', index];
    if (items.includes(item) && typeof one !== 'string') {
      log.error('conflicting-keys', path, `${JSON.stringify(item)} stands there twice; keep one`);
    }
    if (!items.includes(item)) items.push(item);
    if (typeof one !== 'string') checks[item] = readItem(one, path, log);
  }
  const isRandom = raw.stages.some((stage) => stage.name === 'internal' && stage.audience === undefined);
  const isNew = !items.includes(ACCEPT_RANDOM_INTERNAL);
  if (raw.flagName !== undefined && isRandom && isNew) items.push(ACCEPT_RANDOM_INTERNAL);
  return { preflight: items, ...(Object.keys(checks).length > 0 && { preflightChecks: checks }) };
}
