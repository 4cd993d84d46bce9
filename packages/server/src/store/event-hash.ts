import { hash } from 'node:crypto';

/** What stands in for the hash before the first event. */
export const GENESIS_HASH = '0'.repeat(64);

/** The hashed part of an event; `data` is its canonical JSON text. */
export type HashedEvent = {
  readonly stream: string;
  readonly version: number;
  readonly at: number;
  readonly by: string;
  readonly type: string;
  readonly data: string;
};

/**
 * Hash of an event in the chain: SHA-256, in hex, of the previous event's hash followed by the canonical JSON
 * (RFC 8785) of `{at, by, data, stream, type, version}`. Anyone can recompute it from an export.
 */
export function eventHash(previous: string, event: HashedEvent): string {
  const { at, by, data, stream, type, version } = event;
  const text = `{"at":${at},"by":${JSON.stringify(by)},"data":${data},"stream":${JSON.stringify(stream)},"type":${JSON.stringify(type)},"version":${version}}`;
  return hash('sha256', previous + text, 'hex');
}
