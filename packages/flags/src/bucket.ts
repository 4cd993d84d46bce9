import { FULL_WEIGHT } from './flag.ts';
import { type HashPrefix, hashAfter, hashPrefix } from './murmur3.ts';

/** Buckets of a user for cluster-robust statistics (`semantics.md`, section 3). */
export const USER_BUCKETS = 64;

const USER_BUCKET_PREFIX = hashPrefix('rampart:user-bucket:');

/**
 * Place of a unit on the bucket line: `floor(murmur3(utf8(salt + unit)) * 100000 / 2^32)`, in [0, 100 000). A weight of
 * `w` takes the buckets below `w`, so raising it only adds units. The same units as flagd's integer `fractional` of 2026.
 */
export function bucketOf(salt: string, unit: string): number {
  return bucketAfter(hashPrefix(salt), unit);
}

/** `bucketOf` with the salt hashed beforehand. */
export function bucketAfter(salt: HashPrefix, unit: string): number {
  // Exact: the product is below 2^49.
  return Math.floor(((hashAfter(salt, unit) >>> 0) * FULL_WEIGHT) / 2 ** 32);
}

/**
 * Statistics bucket of a user, in [0, 64): the top 6 bits of `murmur3(utf8('rampart:user-bucket:' + unit))`. Its salt is
 * fixed, so that it stays the same over all flags and rollouts and says nothing about any assignment.
 */
export function userBucketOf(unit: string): number {
  return hashAfter(USER_BUCKET_PREFIX, unit) >>> 26;
}
