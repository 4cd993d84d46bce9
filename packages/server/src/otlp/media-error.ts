/** A body of a type or packing that is not taken; the message says which are. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
}
