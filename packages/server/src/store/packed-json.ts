import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Compresses sums of a minute to between a third and a quarter; a higher level costs far more time than it saves space. */
const LEVEL = 3;

/** JSON text deflated (RFC 1951), for what is bulky and kept for long. */
export function packJson(text: string): Uint8Array {
  return deflateRawSync(text, { level: LEVEL });
}

/** The value of a packed text. @throws Error where the bytes are damaged */
export function unpackJson(bytes: Uint8Array): unknown {
  return JSON.parse(inflateRawSync(bytes).toString('utf8'));
}
