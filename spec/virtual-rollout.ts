import {
  applyAll,
  type Decision,
  decide,
  type EventRecord,
  type EvidenceBatch,
  type EvidenceState,
  type Judgement,
  judge,
  NO_EVIDENCE,
  openItems,
  type Plan,
  type Principal,
  RAMPART,
  type RolloutCommand,
  type RolloutEvent,
  type RolloutState,
  reconcile,
} from '@rampart/rollout';

/** The real core on a virtual clock: what a server does around `decide`, without a server. */
export class VirtualRollout {
  now: number;
  state: RolloutState;
  evidence: EvidenceState = NO_EVIDENCE;
  judgement: Judgement | undefined;
  readonly records: EventRecord[] = [];
  readonly #seq = { value: 0 };
  #lastBatchAt: number;
  #lastBatch: EvidenceBatch | undefined;

  constructor(plan: Plan, by: Principal, startAt: number) {
    this.now = startAt;
    this.#lastBatchAt = startAt;
    const created = decide(undefined, { type: 'Create', id: 'r-1', plan, warnings: [] }, by, startAt);
    if (!created.ok) throw new Error(created.message);
    this.state = this.#append(undefined, created.events, by);
  }

  #append(state: RolloutState | undefined, events: readonly RolloutEvent[], by: Principal): RolloutState {
    for (const event of events) {
      this.records.push({ version: this.records.length + 1, at: this.now, by: by.id, event });
    }
    const next = applyAll(state, events, by, this.now);
    if (next === undefined) throw new Error('a rollout has at least one event');
    this.state = next;
    return next;
  }

  /** Gives a command as a principal; the decision's events are appended. */
  command(command: RolloutCommand, by: Principal): Decision {
    const decision = decide(this.state, command, by, this.now);
    if (decision.ok) this.#append(this.state, decision.events, by);
    return decision;
  }

  /** Starts and gives every pre-flight item. */
  pass(by: Principal): void {
    this.command({ type: 'Start' }, by);
    while (this.state.phase === 'preflight') {
      const item = openItems(this.state)[0];
      const given = this.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, by);
      if (!given.ok) throw new Error(given.message);
    }
  }

  /** Gives whatever waits for a principal now: confirmations and exit items. */
  approveAll(by: Principal): void {
    for (const item of openItems(this.state))
      this.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, by);
  }

  /** Moves the clock, closes a batch (if there is evidence) and reconciles. */
  tick(
    forMs: number,
    evidence?: Pick<EvidenceBatch, 'series' | 'occurrences' | 'failures' | 'instances'>,
  ): readonly RolloutEvent[] {
    this.now += forMs;
    let batch: EvidenceBatch | undefined;
    if (evidence !== undefined) {
      this.#seq.value += 1;
      batch = { seq: this.#seq.value, fromAt: this.#lastBatchAt, toAt: this.now, ...evidence };
      this.#lastBatchAt = this.now;
      this.#lastBatch = batch;
    }
    return this.#reconcile(batch);
  }

  /** The last batch arrives once more. */
  redeliver(): readonly RolloutEvent[] {
    return this.#reconcile(this.#lastBatch);
  }

  #reconcile(batch: EvidenceBatch | undefined): readonly RolloutEvent[] {
    const { evidence: folded, judgement, events } = reconcile(this.state, this.evidence, batch, this.now);
    this.evidence = folded;
    this.judgement = judgement;
    this.#append(this.state, events, RAMPART);
    return events;
  }

  /** What the evidence says of the rollout as it is now. */
  judgeNow(): Judgement {
    return judge(this.evidence, this.state, this.now);
  }
}
