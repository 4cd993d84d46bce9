import type { Problem } from '@rampart/api';
import { Writer } from 'protobufjs/minimal.js';

/** The two encodings of OTLP/HTTP. A request is answered in its own. */
export type Encoding = 'protobuf' | 'json';

/** Media type of each encoding. */
export const MEDIA_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** The encoding of a `Content-Type`; undefined for any other. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === MEDIA_TYPES.protobuf) return 'protobuf';
  return mediaType === MEDIA_TYPES.json ? 'json' : undefined;
}

/** What of a request was left out; 0 and no text when nothing was. */
export type Rejected = { readonly count: number; readonly why: string };

/** Longest message of a partial success: enough to see what is wrong, short enough for a log line. */
const LONGEST_MESSAGE = 1_000;

/** Body of `Export…ServiceResponse`; `field` is the JSON name of the number of what was rejected, which has number 1 in protobuf. */
export function successBody(encoding: Encoding, field: string, { count, why }: Rejected): Buffer {
  const message = why.slice(0, LONGEST_MESSAGE);
  const isWhole = count === 0 && message === '';
  if (encoding === 'json') {
    const partialSuccess = { [field]: String(count), errorMessage: message };
    return Buffer.from(JSON.stringify(isWhole ? {} : { partialSuccess }));
  }
  const writer = Writer.create();
  if (isWhole) return Buffer.from(writer.finish());
  const partial = Writer.create().uint32(tag(1, VARINT)).int64(count).uint32(tag(2, DELIMITED)).string(message);
  return Buffer.from(writer.uint32(tag(1, DELIMITED)).bytes(partial.finish()).finish());
}

/** Body of a failure: `google.rpc.Status`, its message beginning with the code of the problem. */
export function failureBody(encoding: Encoding, { status, code, detail, remedy }: Problem): Buffer {
  const message = `${code}: ${detail} ${remedy}`;
  const rpcCode = RPC_CODES[status] ?? INTERNAL;
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code: rpcCode, message }));
  return Buffer.from(
    Writer.create().uint32(tag(1, VARINT)).int32(rpcCode).uint32(tag(2, DELIMITED)).string(message).finish(),
  );
}

const VARINT = 0;
const DELIMITED = 2;
const tag = (field: number, wireType: number) => field * 8 + wireType;

const INTERNAL = 13;
/** Codes of `google.rpc.Code` by HTTP status. */
const RPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 413: 3, 415: 3, 429: 8, 503: 14 };
