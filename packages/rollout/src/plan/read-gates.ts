import type { ExternalGate, GateAsk, Plan, Stage } from '../plan.ts';
import { MINUTE_MS, SECOND_MS } from './duration.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';
import type { RawGate } from './plan-schema.ts';
import { readDuration, readName } from './read-values.ts';

const DEFAULT_EVERY_MS = 30 * SECOND_MS;
const DEFAULT_TIMEOUT_MS = 10 * SECOND_MS;
/** A system that needs longer than this to answer cannot be waited for. */
const LONGEST_TIMEOUT_MS = MINUTE_MS;

const ADDRESS = /^https?:\/\/(?:([^/?#\s]*)@)?([^/?#@\s]+)(?:[/?#]\S*)?$/i;

/** Host of an address that can be asked. A name or password in it would be shown to everyone who may read the plan. */
function hostOf(address: string, path: PlanPath, log: IssueLog): string {
  const [matched, credentials, host = 'webhook'] = ADDRESS.exec(address) ?? [];
  if (matched === undefined) {
    log.error('invalid-gate', path, 'received no address; write one such as https://calendar.example.com/gate');
  } else if (credentials !== undefined) {
    const message = 'the address carries a user name or password, which everyone who reads the plan would see';
    log.error('invalid-gate', path, `${message}; remove it: questions are signed with what secretRef names`);
  }
  return host;
}

function readAsk(raw: RawGate, path: PlanPath, log: IssueLog): { ask: GateAsk; byDefault: string } {
  if ('signal' in raw) {
    const signal = readName(raw.signal, [...path, 'signal'], log);
    const maxAgeMs = raw.maxAge === undefined ? undefined : readDuration(raw.maxAge, 0, [...path, 'maxAge'], log);
    // A rollback is asked for: that nobody said anything asks for nothing.
    const initially = raw.default ?? (raw.when === 'rollback' ? 'open' : 'closed');
    if (raw.when === 'rollback' && (initially === 'closed' || maxAgeMs !== undefined)) {
      const message = 'silence never rolls back: remove default and maxAge from a gate with when: rollback';
      log.error('invalid-gate', path, message);
    }
    const ask = { kind: 'signal', signal, initially, ...(maxAgeMs !== undefined && { maxAgeMs }) } as const;
    return { ask, byDefault: signal };
  }
  const byDefault = hostOf(raw.webhook, [...path, 'webhook'], log);
  const { webhook: url, secretRef } = raw;
  if (secretRef !== undefined && !/^[A-Za-z_]\w*$/.test(secretRef)) {
    const message = 'received no name of a variable; give the name, not the secret itself (value withheld)';
    log.error('invalid-gate', [...path, 'secretRef'], message);
  }
  const at = [...path, 'timeout'];
  const timeoutMs = readDuration(raw.timeout, DEFAULT_TIMEOUT_MS, at, log);
  if (timeoutMs > LONGEST_TIMEOUT_MS) {
    log.error('out-of-range', at, `received ${JSON.stringify(raw.timeout)}; an answer is waited for 1m at most`);
  }
  return { ask: { kind: 'webhook', url, timeoutMs, ...(secretRef !== undefined && { secretRef }) }, byDefault };
}

/** Reads one external gate; `others` stand beside it and have other names. */
export function readExternalGate(
  raw: RawGate,
  path: PlanPath,
  others: readonly ExternalGate[],
  log: IssueLog,
): ExternalGate {
  const { ask, byDefault } = readAsk(raw, path, log);
  const name = raw.name === undefined ? byDefault : readName(raw.name, [...path, 'name'], log);
  if (others.some((other) => other.name === name)) {
    log.error('invalid-gate', path, `a gate named ${JSON.stringify(name)} stands beside it; give one of them a name`);
  }
  const everyMs = readDuration(raw.every, DEFAULT_EVERY_MS, [...path, 'every'], log);
  return { name, when: raw.when ?? 'advance', ask, everyMs };
}

/** Reads the external gates of the whole plan; those of stages must have other names. */
export function readGates(
  raw: readonly RawGate[] | undefined,
  stages: readonly Stage[],
  log: IssueLog,
): Pick<Plan, 'gates'> {
  if (raw === undefined || raw.length === 0) return {};
  const gates: ExternalGate[] = [];
  const ofStages = stages.flatMap(({ external = [] }) => external);
  for (const [index, item] of raw.entries()) {
    gates.push(readExternalGate(item, ['gates', index], [...gates, ...ofStages], log));
  }
  return { gates };
}
