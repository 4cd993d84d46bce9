import { type EvidencePage, ProblemError } from '@rampart/api';
import {
  documentMarkdown,
  type EventRecord,
  incidentDocument,
  type RolloutDocument,
  reportDocument,
} from '@rampart/rollout';
import { abortDeliveries } from './abort-deliveries.ts';
import type { Clock } from './clock.ts';
import { recordOf, streamOf } from './event-records.ts';
import { evidenceOf } from './retention.ts';
import { type RolloutTable, runOf } from './rollout-table.ts';
import type { Store } from './store/store.ts';

/** What is on record of rollouts, and the documents that are made of it. */
export type RolloutRecords = {
  readonly listEvents: (id: string, after: number) => Promise<readonly EventRecord[]>;
  /** Closed batches with a seq above `after`, oldest first. `EVIDENCE_PRUNED` where the retention has removed them. */
  readonly listEvidence: (id: string, after: number, limit: number) => Promise<EvidencePage>;
  /** Markdown. */
  readonly report: (id: string) => Promise<string>;
  /** Markdown. */
  readonly incident: (id: string, number: number) => Promise<string>;
  /** What the report is made of. */
  readonly reportDocument: (id: string) => Promise<RolloutDocument>;
  /** What the incident document is made of. */
  readonly incidentDocument: (id: string, number: number) => Promise<RolloutDocument>;
};

type Told = { readonly store: Store; readonly table: RolloutTable; readonly clock: Clock };

/** The record of each rollout of a table. */
export function rolloutRecords({ store, table, clock }: Told): RolloutRecords {
  const recordsOf = async (id: string, after = 0) => (await store.readStream(streamOf(id), after)).map(recordOf);
  const told = async (id: string) => {
    const { state } = runOf(table, id);
    return { state, records: (await recordsOf(id)).slice(0, state.version) };
  };
  const reportOf = async (id: string) => {
    const { state, records } = await told(id);
    return reportDocument(records, state, { now: clock.now() });
  };
  const incidentOf = async (id: string, number: number) => {
    const { state, records } = await told(id);
    const deliveries = await abortDeliveries(store, id, number, records);
    const document = incidentDocument(records, state, number, { now: clock.now(), deliveries });
    if (document !== undefined) return document;
    throw new ProblemError(
      'INCIDENT_UNKNOWN',
      `Rollout ${id} has no incident ${number}; it has ${state.incidents.length}.`,
    );
  };
  return {
    listEvents: async (id, after) => {
      runOf(table, id);
      return recordsOf(id, after);
    },
    async listEvidence(id, after, limit) {
      const { throughSeq } = runOf(table, id).evidence;
      return { batches: await evidenceOf(store, id, { after, limit, throughSeq }), throughSeq };
    },
    report: async (id) => documentMarkdown(await reportOf(id)),
    incident: async (id, number) => documentMarkdown(await incidentOf(id, number)),
    reportDocument: reportOf,
    incidentDocument: incidentOf,
  };
}
