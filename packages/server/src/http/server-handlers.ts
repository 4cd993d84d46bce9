import { type OpenApiDocument, openApiDocument, ProblemError, type ServerStatus } from '@rampart/api';
import type { Clock } from '../clock.ts';
import { messageOf } from '../log.ts';
import type { ServerMetrics } from '../server-metrics.ts';
import type { Store } from '../store/store.ts';
import type { Handlers } from './handler.ts';

/** What the routes of the server itself work with. */
export type ServerParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
  readonly version: string;
  readonly environment: string;
  readonly revision: () => number;
  readonly connectedSdks: () => number;
};

/** A probe answered this recently is not repeated: each is a durable write. Milliseconds. */
const PROBE_KEEP_MS = 1_000;

/** Routes of the server itself. */
export function serverHandlers(parts: ServerParts): Handlers<'health' | 'ready' | 'metrics' | 'openapi' | 'status'> {
  const { store, clock, metrics, version, environment } = parts;
  const probe = createProbe(store);
  // Made when somebody asks: a server that starts has better to do.
  let document: OpenApiDocument | undefined;
  return {
    health: () => ({ body: { status: 'ok' } }),
    async ready() {
      await probe();
      return { body: { status: 'ready' } };
    },
    metrics: async () => ({ text: { mediaType: metrics.contentType, content: await metrics.render() } }),
    openapi() {
      document ??= openApiDocument({ version });
      return { body: document };
    },
    async status() {
      const { bytes } = await store.stats();
      const body: ServerStatus = {
        version,
        environment,
        revision: parts.revision(),
        now: clock.now(),
        connectedSdks: parts.connectedSdks(),
        storeBytes: bytes,
      };
      return { body };
    },
  };
}

/** Writes and reads the store. @throws ProblemError `NOT_READY` */
function createProbe(store: Store): () => Promise<void> {
  let provedAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  return async () => {
    if (performance.now() - provedAt < PROBE_KEEP_MS) return;
    try {
      count += 1;
      await store.putDocuments({ documents: [{ kind: 'probe', key: 'ready', value: count }] });
      await store.getDocument('probe', 'ready');
    } catch (error) {
      throw new ProblemError('NOT_READY', `The store cannot be written: ${messageOf(error)}`);
    }
    provedAt = performance.now();
  };
}
