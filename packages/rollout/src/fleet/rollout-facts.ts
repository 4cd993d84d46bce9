import { type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';
import { hasControl, weightOfEveryone } from '../decide/exposure.ts';
import type { EventRecord, RolloutEvent } from '../event.ts';
import { RAMPART } from '../principal.ts';
import type { AbortKind } from '../state.ts';

/** Why a rollout stood still: a person held it, a gate did, or it could not see, trust or accept its data. */
export type HoldReason = 'person' | 'gate' | 'blind' | 'data-invalid' | 'alert';
/** What a rollout waited for people for. */
export type WaitReason = 'pre-flight' | 'approval' | 'decision' | 'hold' | 'fix';

/** An abort, and how long its exposure took to be gone; absent while no SDK has confirmed it. */
export type AbortFact = {
  readonly incident: number;
  readonly at: number;
  readonly cause: AbortKind;
  readonly stage: string;
  /** Who had seen the feature, and who was measured beside them without it. */
  readonly exposed: number;
  readonly control: number;
  /** Those of `exposed` who were placed by the random split, and its share of everyone in (0, 1); absent without a split. */
  readonly split?: { readonly treated: number; readonly share: number };
  readonly offMs?: number;
};

/** A time with its reason; it goes on while `ms` is absent. */
type Span<Reason> = { readonly reason: Reason; readonly at: number; readonly ms?: number };

/** What the events of one rollout say about how it went. Instants are epoch ms. */
export type RolloutFacts = {
  readonly createdAt: number;
  readonly startedAt?: number;
  /** When everyone was exposed first. */
  readonly gaAt?: number;
  readonly outcome: 'running' | 'complete' | 'cancelled';
  readonly attempts: number;
  readonly stages: readonly Span<string>[];
  readonly layers: readonly ExposureLayer[];
  readonly aborts: readonly AbortFact[];
  readonly holds: readonly Span<HoldReason>[];
  readonly waits: readonly Span<WaitReason>[];
  readonly overrides: number;
};

type Of<T extends RolloutEvent['type']> = Extract<RolloutEvent, { type: T }>;
type Teller = { readonly at: number; readonly by: string };
type Rules = {
  readonly [T in RolloutEvent['type']]?: (facts: RolloutFacts, event: Of<T>, teller: Teller) => RolloutFacts;
};
type Lists = Pick<RolloutFacts, 'stages' | 'holds' | 'waits'>;

function begin<K extends keyof Lists>(
  facts: RolloutFacts,
  list: K,
  reason: Lists[K][number]['reason'],
  at: number,
): RolloutFacts {
  const isOpen = facts[list].some((one) => one.reason === reason && one.ms === undefined);
  return isOpen && list !== 'stages' ? facts : { ...facts, [list]: [...facts[list], { reason, at }] };
}

/** Ends what goes on of a list, of one reason or of all. */
function end<K extends keyof Lists>(facts: RolloutFacts, list: K, at: number, reason?: string): RolloutFacts {
  const closed = facts[list].map((one) =>
    one.ms === undefined && (reason === undefined || one.reason === reason) ? { ...one, ms: at - one.at } : one,
  );
  return { ...facts, [list]: closed };
}

/** Whatever goes on ends with the attempt. */
function endAll(facts: RolloutFacts, at: number): RolloutFacts {
  return end(end(end(facts, 'stages', at), 'holds', at), 'waits', at);
}

function abortFact({ layers }: RolloutFacts, event: Of<'RolloutAborted'>, at: number): AbortFact {
  const { incident, kind: cause, stage, people } = event;
  const share = weightOfEveryone(layers) / FULL_WEIGHT;
  return {
    ...{ incident, at, cause, stage },
    exposed: people.treatment + people.targeted,
    control: people.control,
    ...((hasControl(layers) || share === 1) && share > 0 && { split: { treated: people.treatment, share } }),
  };
}

const RULES: Rules = {
  AttemptStarted: (facts, { attempt }, { at }) => ({
    ...end(facts, 'waits', at, 'fix'),
    attempts: attempt,
    startedAt: facts.startedAt ?? at,
  }),
  PreflightStarted: (facts, { items }, { at }) =>
    items.length === 0 ? facts : begin(facts, 'waits', 'pre-flight', at),
  BaselineStarted: (facts, _event, { at }) => end(facts, 'waits', at, 'pre-flight'),
  StageEntered: (facts, { name, layers }, { at }) => ({
    ...begin(end(end(facts, 'stages', at), 'waits', at, 'pre-flight'), 'stages', name, at),
    layers,
  }),
  StagePassed: (facts, _event, { at }) => end(end(facts, 'stages', at), 'waits', at, 'decision'),
  MonitoringStarted: (facts, _event, { at }) => ({ ...facts, gaAt: facts.gaAt ?? at }),
  RolloutHeld: (facts, _event, { at, by }) =>
    begin(begin(facts, 'holds', by === RAMPART.id ? 'gate' : 'person', at), 'waits', 'hold', at),
  RolloutResumed: (facts, _event, { at }) =>
    end(end(end(facts, 'holds', at, 'gate'), 'holds', at, 'person'), 'waits', at, 'hold'),
  SightLost: (facts, { since }) => begin(facts, 'holds', 'blind', since),
  SightReturned: (facts, _event, { at }) => end(facts, 'holds', at, 'blind'),
  DataFoundInvalid: (facts, _event, { at }) => begin(facts, 'holds', 'data-invalid', at),
  DataFoundValid: (facts, _event, { at }) => end(facts, 'holds', at, 'data-invalid'),
  AlertRaised: (facts, _event, { at }) => begin(facts, 'holds', 'alert', at),
  AlertCleared: (facts, _event, { at }) => end(facts, 'holds', at, 'alert'),
  PrincipalAsked: (facts, _event, { at }) => begin(facts, 'waits', 'decision', at),
  StageExtended: (facts, _event, { at }) => end(facts, 'waits', at, 'decision'),
  ProposalMade: (facts, _event, { at }) => begin(facts, 'waits', 'approval', at),
  ProposalDecided: (facts, _event, { at }) => end(facts, 'waits', at, 'approval'),
  OverrideRecorded: (facts) => ({ ...facts, overrides: facts.overrides + 1 }),
  RolloutAborted: (facts, event, { at }) => {
    const aborted = { ...endAll(facts, at), aborts: [...facts.aborts, abortFact(facts, event, at)], layers: [] };
    return begin(aborted, 'waits', 'fix', at);
  },
  AbortTookEffect: (facts, { incident }, { at }) => ({
    ...facts,
    aborts: facts.aborts.map((one) => (one.incident === incident ? { ...one, offMs: at - one.at } : one)),
  }),
  RolloutCompleted: (facts, _event, { at }) => ({ ...endAll(facts, at), outcome: 'complete' }),
  RolloutCancelled: (facts, _event, { at }) => ({ ...endAll(facts, at), outcome: 'cancelled' }),
};

/** Facts of a rollout that was just created. */
export function factsAt(createdAt: number): RolloutFacts {
  const none = { stages: [], layers: [], aborts: [], holds: [], waits: [] };
  return { createdAt, outcome: 'running', attempts: 0, overrides: 0, ...none };
}

/** Facts after one more event: a rollout is read once, however often it is asked about. */
export function addFact(facts: RolloutFacts, { event, at, by }: EventRecord): RolloutFacts {
  const rule = RULES[event.type] as Rules[RolloutEvent['type']] | undefined;
  return rule === undefined ? facts : rule(facts, event as never, { at, by });
}
