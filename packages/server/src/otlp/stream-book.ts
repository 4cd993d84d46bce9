import type { DocumentWrite, Store } from '../store/store.ts';
import { KEEP_STREAM_MS, MOST_STREAMS, noStreams, type ResourceStreams, StreamDraft } from './cumulative.ts';

const KIND = 'otlp-streams';
/** Resources are spread over so many documents, so that neither their number nor the size of one grows without bound. */
const SHARDS = 256;
/** Most streams of one document: two resources as large as they may be. */
const MOST_IN_SHARD = 2 * MOST_STREAMS;

/** One document: resources by identity. Plain JSON. */
type Shard = { readonly forgotUntil: number; readonly resources: Readonly<Record<string, ResourceStreams>> };
type Kept = { readonly version: number; readonly shard: Shard };

/** Drafts of the resources of one request, and what is to be written with its batch. */
export type BookPage = {
  readonly draftOf: (resource: string) => StreamDraft;
  /** Writes of what is to be remembered; resources that sent nothing for a day before `now` are forgotten. */
  readonly documents: (now: number) => readonly DocumentWrite[];
};

/**
 * The last points of cumulative streams, durable: written in the transaction of the batch that counts what came before,
 * so that neither a crash nor a restart counts anything twice or loses it.
 */
export type StreamBook = { readonly open: (resources: readonly string[]) => Promise<BookPage> };

/** A book over a store. It keeps nothing in memory: the store reads a document by its key in microseconds. */
export function createStreamBook(store: Store): StreamBook {
  return {
    async open(resources) {
      const kept = new Map<string, Kept>();
      for (const key of new Set(resources.map(shardOf))) {
        const document = await store.getDocument(KIND, key);
        // JSON edge: written below only.
        const shard = document && (document.value as Shard);
        kept.set(key, { version: document?.version ?? 0, shard: shard ?? { forgotUntil: 0, resources: {} } });
      }
      return pageOf(kept);
    },
  };
}

/** Identities are hashes: their first byte spreads them evenly. */
function shardOf(resource: string): string {
  return String((Buffer.from(resource, 'base64url')[0] ?? 0) % SHARDS);
}

function pageOf(kept: ReadonlyMap<string, Kept>): BookPage {
  const drafts = new Map<string, StreamDraft>();
  const shardWith = (resource: string) => kept.get(shardOf(resource))?.shard ?? { forgotUntil: 0, resources: {} };
  return {
    draftOf(resource) {
      const known = drafts.get(resource);
      if (known !== undefined) return known;
      const { forgotUntil, resources } = shardWith(resource);
      const others = Object.entries(resources).filter(([id]) => id !== resource);
      const taken = others.reduce((total, [, { streams }]) => total + Object.keys(streams).length, 0);
      const draft = new StreamDraft(resources[resource] ?? noStreams(forgotUntil), MOST_IN_SHARD - taken);
      drafts.set(resource, draft);
      return draft;
    },
    documents(now) {
      return [...kept].flatMap(([key, { version, shard }]) => {
        const own = [...drafts].filter(([resource]) => shardOf(resource) === key);
        if (own.length === 0) return [];
        const after = { ...shard.resources, ...Object.fromEntries(own.map(([id, draft]) => [id, draft.finish()])) };
        return { kind: KIND, key, value: withoutOld(after, shard.forgotUntil, now), expectedVersion: version };
      });
    },
  };
}

function withoutOld(resources: Shard['resources'], forgotUntil: number, now: number): Shard {
  const isOld = ({ at }: ResourceStreams) => at < now - KEEP_STREAM_MS;
  const entries = Object.entries(resources);
  const gone = entries.filter(([, one]) => isOld(one)).map(([, { at }]) => at);
  return {
    forgotUntil: Math.max(forgotUntil, ...gone),
    resources: Object.fromEntries(entries.filter(([, one]) => !isOld(one))),
  };
}
