import type { WriteRequest } from './sqlite-request.ts';
import type { Settled } from './sqlite-writer-client.ts';
import type { StoreChange } from './store.ts';

type DocumentId = StoreChange['documents'][number];

/** What a committed group changed, or undefined where it changed nothing anyone waits for. */
export function changeOf(group: readonly Settled[]): StoreChange | undefined {
  const changed = group.filter(({ value }) => tookEffect(value));
  const requests = changed.map(({ request }) => request);
  const writes = requests.filter((request) => request.op === 'write');
  const besideTelemetry = requests.filter((request) => request.op === 'telemetryWith');
  const change = {
    streams: [...new Set(writes.flatMap(({ append }) => (append ? [append.stream] : [])))],
    telemetryRollouts: [...new Set(requests.flatMap((request) => ('rollouts' in request ? request.rollouts : [])))],
    documents: distinct([...writes, ...besideTelemetry].flatMap(documentsOf)),
    outbox:
      writes.some((write) => write.outbox.length > 0) || requests.some(({ op }) => op === 'settle' || op === 'revive'),
  };
  const { streams, telemetryRollouts, documents, outbox } = change;
  return outbox || streams.length + telemetryRollouts.length + documents.length > 0 ? change : undefined;
}

/** Duplicates, conflicts and lost leases changed nothing. */
function tookEffect(value: Settled['value']): boolean {
  if (typeof value !== 'object') return value === true || value === 'accepted';
  return 'ok' in value && value.ok;
}

function documentsOf({ append, documents }: Pick<WriteRequest, 'append' | 'documents'>): readonly DocumentId[] {
  const projection = append?.projection ? [append.projection] : [];
  return [...projection, ...documents].map(({ kind, key }) => ({ kind, key }));
}

function distinct(ids: readonly DocumentId[]): readonly DocumentId[] {
  return [...new Map(ids.map((id) => [JSON.stringify([id.kind, id.key]), id])).values()];
}
