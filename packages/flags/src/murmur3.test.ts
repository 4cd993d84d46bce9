import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashAfter, hashPrefix, murmur3 } from './murmur3.ts';

/** MurmurHash3 x86 32 as Appleby wrote it, byte by byte, to compare with. */
function reference(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const view = new DataView(bytes.buffer);
  let h = 0;
  const whole = bytes.length - (bytes.length % 4);
  const scramble = (k: number) => {
    const x = Math.imul(k, 0xcc9e2d51);
    return Math.imul((x << 15) | (x >>> 17), 0x1b873593);
  };
  for (let at = 0; at < whole; at += 4) {
    h ^= scramble(view.getUint32(at, true));
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  h ^= scramble(tail) ^ bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('murmur3', () => {
  it('gives the published hashes', () => {
    expect(murmur3('')).toBe(0);
    expect(murmur3('test')).toBe(0xba6bd213);
    expect(murmur3('Hello, world!')).toBe(0xc0363e43);
    expect(murmur3('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723);
  });

  it('agrees with the byte-wise algorithm on any text, lone surrogates as U+FFFD', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(murmur3(text)).toBe(reference(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives the same hash with the salt hashed beforehand as over the joined text', () => {
    const wellFormed = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(wellFormed, wellFormed, (salt, unit) => {
        expect(hashAfter(hashPrefix(salt), unit) >>> 0).toBe(reference(salt + unit));
      }),
      { numRuns: 2000 },
    );
  });
});
