/**
 * State of MurmurHash3 x86 32 after a first piece of text. A flag keeps the state of its salt, so that an evaluation
 * hashes the unit alone; the result is bit-identical to hashing the two pieces joined, except that a surrogate pair
 * split over the pieces counts as two lone surrogates.
 */
export type HashPrefix = {
  readonly hash: number;
  /** The 0 to 3 bytes after the last whole block, little-endian. */
  readonly carry: number;
  /** Bits in `carry`: 0, 8, 16 or 24. */
  readonly carryBits: number;
  /** Bytes hashed so far. */
  readonly length: number;
};

const EMPTY: HashPrefix = { hash: 0, carry: 0, carryBits: 0, length: 0 };
const REPLACEMENT = 0xfffd;

/** State after the UTF-8 bytes of `text`; lone surrogates count as U+FFFD, as `TextEncoder` has them. */
export function hashPrefix(text: string): HashPrefix {
  let { hash, carry, carryBits, length } = EMPTY;
  for (const character of text) {
    const point = scalarAt(character, 0);
    const bits = utf8Bits(point);
    const bytes = utf8Bytes(point);
    carry |= bytes << carryBits;
    if (carryBits + bits >= 32) {
      hash = mixed(hash, carry);
      carry = overflow(bytes, carryBits);
    }
    carryBits = (carryBits + bits) & 31;
    length += bits >>> 3;
  }
  return { hash, carry, carryBits, length };
}

/** MurmurHash3 x86 32 (Appleby, seed 0) of the prefix's text followed by `text`, as a **signed** 32-bit integer. */
export function hashAfter(prefix: HashPrefix, text: string): number {
  let { hash, carry, carryBits, length } = prefix;
  const end = text.length;
  let at = 0;
  while (at < end) {
    let bytes = asciiWord(text, at, end);
    let bits = 32;
    if (bytes < 0) {
      const point = scalarAt(text, at);
      bytes = utf8Bytes(point);
      bits = utf8Bits(point);
      at += point > 0xffff ? 2 : 1;
    } else at += 4;
    carry |= bytes << carryBits;
    if (carryBits + bits >= 32) {
      hash = mixed(hash, carry);
      carry = overflow(bytes, carryBits);
    }
    carryBits = (carryBits + bits) & 31;
    length += bits >>> 3;
  }
  return finished(hash, carry, length);
}

/** MurmurHash3 x86 32, seed 0, over the UTF-8 bytes of `text`. In [0, 2^32). */
export function murmur3(text: string): number {
  return hashAfter(EMPTY, text) >>> 0;
}

/** Four ASCII characters as one little-endian word (never negative: every byte is below 128), else -1. */
function asciiWord(text: string, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const a = text.charCodeAt(at);
  const b = text.charCodeAt(at + 1);
  const c = text.charCodeAt(at + 2);
  const d = text.charCodeAt(at + 3);
  return (a | b | c | d) < 0x80 ? a | (b << 8) | (c << 16) | (d << 24) : -1;
}

/** What of `bytes` did not fit above `carryBits` bits. Two shifts, because a shift by 32 is a shift by 0. */
function overflow(bytes: number, carryBits: number): number {
  return (bytes >>> 1) >>> (31 - carryBits);
}

function mixed(hash: number, block: number): number {
  const h = hash ^ scrambled(block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function scrambled(block: number): number {
  const k = Math.imul(block, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function finished(hash: number, tail: number, length: number): number {
  // An empty tail is 0 and scrambles to 0.
  let h = hash ^ scrambled(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Unicode scalar value at an index. */
function scalarAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const next = text.charCodeAt(at + 1);
  const paired = unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff;
  return paired ? 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00) : REPLACEMENT;
}

function utf8Bits(point: number): number {
  if (point < 0x80) return 8;
  if (point < 0x800) return 16;
  return point < 0x10000 ? 24 : 32;
}

/** The UTF-8 bytes of a scalar value, little-endian in one word: the first byte is the lowest. */
function utf8Bytes(point: number): number {
  if (point < 0x80) return point;
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) return (last << 8) | 0xc0 | (point >>> 6);
  const third = 0x80 | ((point >>> 6) & 0x3f);
  if (point < 0x10000) return (last << 16) | (third << 8) | 0xe0 | (point >>> 12);
  return (last << 24) | (third << 16) | ((0x80 | ((point >>> 12) & 0x3f)) << 8) | 0xf0 | (point >>> 18);
}
