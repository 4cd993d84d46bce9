import { createHash } from 'node:crypto';
import { type HookReceipt, type HookSetting, ProblemError } from '@rampart/api';
import {
  checkSignature,
  type MappedGate,
  readAlertDelivery,
  readAttestationMapping,
  readGateMapping,
  readSignalMapping,
} from '@rampart/connectors';
import type { Clock } from './clock.ts';
import type { GateBook } from './gate-book.ts';
import type { Attest } from './hook-attestations.ts';
import type { Ingest } from './ingest.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';

const KIND = 'hooks';
const KEY = 'all';

/** A delivery as it arrived. */
export type HookDelivery = {
  readonly name: string;
  /** Value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
};

/** The ways in for others, as set by an admin. */
export type Hooks = {
  /** Without their secrets. */
  readonly list: () => readonly HookSetting[];
  /** Replaces all. @throws ProblemError `BODY_INVALID` for one that can never work */
  readonly replace: (settings: readonly HookSetting[]) => Promise<readonly HookSetting[]>;
  /**
   * Takes a delivery; resolves once what it says is durable. The same delivery again counts nothing.
   * @throws ProblemError `NOT_FOUND`, `HOOK_SIGNATURE_INVALID`, `TELEMETRY_INVALID` @throws StoreError
   */
  readonly receive: (delivery: HookDelivery) => Promise<HookReceipt>;
  /** Whether a hook gives items of pre-flight, and has the secret to check its sender by. */
  readonly deliversAttestations: (name: string) => boolean;
  /** Whether any hook takes alerts, and has the secret to check them by. */
  readonly deliversAlerts: () => boolean;
};

/** What hooks work with. `secretOf` reads the environment variable that a `secretRef` names. */
export type HookDeps = {
  readonly store: Store;
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly log: Log;
  /** Where gates are kept that others open and close. */
  readonly gates: GateBook;
  /** Told the name of a gate that was opened or closed. */
  readonly onGate: (name: string) => Promise<void>;
  /** Where this server's flags live: deliveries about elsewhere are ignored. */
  readonly environment: string;
  readonly secretOf: (name: string) => string | undefined;
  /** Takes what gives items of pre-flight. */
  readonly attest: Attest;
};

/** Hooks as stored. @throws StoreError */
export async function openHooks(deps: HookDeps): Promise<Hooks> {
  const { store } = deps;
  // JSON edge: written by `replace` only, after validation.
  let settings = ((await store.getDocument(KIND, KEY))?.value ?? []) as readonly HookSetting[];
  return {
    list: () => settings.map(withoutSecret),
    async replace(given) {
      const next = given.map((one) => withKnownSecret(one, settings));
      for (const setting of next) check(setting);
      await store.putDocuments({ documents: [{ kind: KIND, key: KEY, value: next }] });
      settings = next;
      return next.map(withoutSecret);
    },
    receive(delivery) {
      const setting = settings.find(({ name }) => name === delivery.name);
      if (setting !== undefined) return receive(setting, delivery, deps);
      throw new ProblemError('NOT_FOUND', `There is no hook ${JSON.stringify(delivery.name)}.`);
    },
    deliversAttestations: (hook) =>
      settings.some(
        (one) => one.name === hook && one.receives === 'attestations' && secretFor(one, deps) !== undefined,
      ),
    deliversAlerts: () => settings.some((one) => one.receives === 'alerts' && secretFor(one, deps) !== undefined),
  };
}

function secretFor({ secret, secretRef }: HookSetting, { secretOf }: Pick<HookDeps, 'secretOf'>): string | undefined {
  const found = secret ?? (secretRef === undefined ? undefined : secretOf(secretRef));
  return found === '' ? undefined : found;
}

function withoutSecret({ secret, ...setting }: HookSetting): HookSetting {
  return setting;
}

function withKnownSecret(setting: HookSetting, known: readonly HookSetting[]): HookSetting {
  if (setting.secret !== undefined || setting.secretRef !== undefined) return setting;
  const secret = known.find(({ name }) => name === setting.name)?.secret;
  return secret === undefined ? setting : { ...setting, secret };
}

function check(setting: HookSetting): void {
  const { name, secret, secretRef, signals, attestation, gates } = setting;
  if (secret === undefined && secretRef === undefined)
    throw new ProblemError('BODY_INVALID', `hook ${name} has neither secret nor secretRef; give one of them`);
  const mapping = signals && readSignalMapping(signals);
  if (mapping !== undefined && 'problem' in mapping)
    throw new ProblemError('BODY_INVALID', `signals of hook ${name}: ${mapping.problem}`);
  const attests = readAttestationMapping(attestation);
  if ('problem' in attests) throw new ProblemError('BODY_INVALID', `attestation of hook ${name}: ${attests.problem}`);
  const gateMapping = gates && readGateMapping(gates);
  if (gateMapping !== undefined && 'problem' in gateMapping)
    throw new ProblemError('BODY_INVALID', `gates of hook ${name}: ${gateMapping.problem}`);
}

async function receive(setting: HookSetting, delivery: HookDelivery, deps: HookDeps): Promise<HookReceipt> {
  const signedId = verified(setting, delivery, deps);
  const body = jsonOf(delivery.body, setting.name);
  if (setting.receives === 'attestations') return deps.attest(setting, body);
  const received = { body, raw: delivery.body, signedId };
  if (setting.receives === 'alerts') return receiveAlerts(setting.name, body, deps);
  return setting.receives === 'gates' ? receiveGates(setting, received, deps) : receiveSignals(setting, received, deps);
}

/** Id of the delivery, where it is signed. @throws ProblemError `HOOK_SIGNATURE_INVALID` */
function verified(setting: HookSetting, delivery: HookDelivery, deps: HookDeps): string | undefined {
  const { name, verify, secretRef } = setting;
  const secret = secretFor(setting, deps);
  if (secret === undefined)
    throw new ProblemError(
      'HOOK_SIGNATURE_INVALID',
      `${secretRef} is not set on this server, so that hook ${name} can check nobody.`,
    );
  const { scheme, header, timestampHeader } = verify;
  const how = {
    scheme,
    ...(header !== undefined && { header }),
    ...(timestampHeader !== undefined && { timestampHeader }),
  };
  const checked = checkSignature(delivery, how, secret, deps.clock.now());
  if (checked.ok) return checked.id;
  throw new ProblemError('HOOK_SIGNATURE_INVALID', `The delivery to hook ${name} was refused: ${checked.why}.`);
}

function jsonOf(body: Buffer, name: string): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw invalid(name, 'the body is not JSON');
  }
}

function invalid(name: string, problem: string): ProblemError {
  return new ProblemError('TELEMETRY_INVALID', `The delivery to hook ${name} cannot be counted: ${problem}.`);
}

async function receiveAlerts(name: string, body: unknown, { ingest, clock, log }: HookDeps): Promise<HookReceipt> {
  const read = readAlertDelivery(body);
  if ('problem' in read) throw invalid(name, read.problem);
  if (read.left > 0) {
    const message = `hook ${name} was sent ${read.left} alerts too few: its sender leaves some out (max_alerts); set it to 0`;
    log.warn({ hook: name, left: read.left }, message);
  }
  const receipts = await Promise.all(
    read.firing.map(({ key, labels, startedAt }) =>
      ingest.alert({ batchId: batchIdOf(name, key), labels, at: startedAt ?? clock.now() }),
    ),
  );
  const statuses = receipts.map((receipt) => receipt?.status ?? 'ignored');
  return summary(statuses, 'no running rollout aborts on any alert of it that fires');
}

/** The best that befell a part of the delivery. */
function summary(statuses: readonly HookReceipt['status'][], detail: string): HookReceipt {
  const status = (['accepted', 'duplicate'] as const).find((one) => statuses.includes(one));
  return status === undefined ? { status: 'ignored', detail } : { status };
}

type Received = { readonly body: unknown; readonly raw: Buffer; readonly signedId: string | undefined };

async function receiveSignals(
  { name, signals }: HookSetting,
  { body, raw, signedId }: Received,
  { ingest }: HookDeps,
): Promise<HookReceipt> {
  const mapping = readSignalMapping(signals);
  const read = 'problem' in mapping ? mapping : mapping(body, raw);
  if (read === undefined) return { status: 'ignored', detail: 'its `when` does not hold' };
  if ('problem' in read) throw invalid(name, read.problem);
  const id = signedId ?? read.id;
  const receipts = await Promise.all(
    [...read.flags].map(([flag, occurrences]) =>
      ingest.signals({ schema: 1, batchId: batchIdOf(name, id, flag), flag, occurrences }),
    ),
  );
  return summary(
    receipts.map(({ status }) => status),
    'it holds no occurrence',
  );
}

/** What is said of a gate is heard by rollouts before it is answered, so that a sender that closes one knows that it held. */
async function receiveGates(
  { name, gates }: HookSetting,
  { body, raw, signedId }: Received,
  deps: HookDeps,
): Promise<HookReceipt> {
  const mapping = readGateMapping(gates);
  const read = 'problem' in mapping ? mapping : mapping(body, raw);
  if (read === undefined) return { status: 'ignored', detail: 'its `when` does not hold' };
  if ('problem' in read) throw invalid(name, read.problem);
  const meant = read.gates.filter(({ environment = deps.environment }) => environment === deps.environment);
  const heard: HookReceipt['status'][] = [];
  for (const gate of meant) heard.push(await hearGate(name, gate, batchIdOf(name, signedId ?? read.id), deps));
  for (const gate of new Set(meant.map((one) => one.gate))) await deps.onGate(gate);
  return summary(heard, 'it says nothing newer of a gate of this environment');
}

/** Characters of a reason that are kept: it stands in messages. */
const LONGEST_REASON = 500;

function hearGate(hook: string, { gate, open, flag, reason, at }: MappedGate, delivery: string, deps: HookDeps) {
  const now = deps.clock.now();
  const why = reason?.slice(0, LONGEST_REASON) ?? (open ? 'open' : 'closed');
  const word = { open, why, at: Math.min(at ?? now, now), by: `hook ${hook}` };
  return deps.gates.hear({ gate, ...(flag !== undefined && { flag }) }, word, delivery);
}

/** Ids of senders may be of any length; what is made of them is short. */
function batchIdOf(name: string, ...parts: readonly string[]): string {
  return `hook/${name}/${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)}`;
}
