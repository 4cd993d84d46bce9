import { HEARTBEAT_MS, STREAM_PATH } from '@rampart/api/wire';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import {
  abortWith,
  addressOf,
  type Connection,
  describeAnswer,
  headersOf,
  isRefused,
  REQUEST_TIMEOUT_MS,
  retryAfterMs,
} from './connection.ts';
import { messageOf } from './event.ts';

/** A stream that brings no byte for this long is dead, however open its socket looks: three heartbeats. */
export const SILENCE_MS = 3 * HEARTBEAT_MS;

/** Longest frame the SDK will buffer, in characters. */
const LONGEST_FRAME = 64 * 1024 * 1024;

/** What the reader of one stream tells and asks. */
export type StreamReader = {
  /** Revision to resume from; undefined asks for a whole ruleset. */
  readonly revision: number | undefined;
  /** Aborting it ends the stream. */
  readonly signal: AbortSignal;
  /** The server accepted the stream. */
  readonly onOpen: () => void;
  /** Something arrived, be it a heartbeat. */
  readonly onBytes: () => void;
  /** The server set the base of the reconnection delay, in milliseconds. */
  readonly onRetry: (retryMs: number) => void;
  /** A frame arrived. Frames come one after the other; a message in the answer ends the stream. */
  readonly onFrame: (frame: EventSourceMessage) => Promise<string | undefined>;
};

/** How a stream came to its end. */
export type StreamEnd =
  /** The server closed it, as it does when it restarts or rotates streams. */
  | { readonly kind: 'ended' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** Shortest wait before the next attempt that the server asked for, in milliseconds. */
      readonly retryAfterMs?: number;
    }
  /** No byte for three heartbeats. */
  | { readonly kind: 'silent'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

/** Opens one stream and reads it to its end. Never rejects. */
export async function readStream(connection: Connection, reader: StreamReader): Promise<StreamEnd> {
  const watch = new SilenceWatch(connection);
  const untie = abortWith(reader.signal, watch.abort);
  try {
    const response = await openStream(connection, reader.revision, watch.abort.signal);
    // A page of a proxy is no stream, though its status may be 200.
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (response.status !== 200 || response.body === null || !isStream) {
      const message = await describeAnswer(response, `GET ${STREAM_PATH}`);
      if (isRefused(response.status)) return { kind: 'refused', message };
      return { kind: 'failed', message, retryAfterMs: retryAfterMs(response, connection.clock) };
    }
    reader.onOpen();
    watch.expectBytesWithin(SILENCE_MS);
    const failure = await readFrames(response.body, reader, () => watch.expectBytesWithin(SILENCE_MS));
    return failure === undefined ? { kind: 'ended' } : { kind: 'failed', message: failure };
  } catch (error) {
    if (watch.silent) return { kind: 'silent', message: `GET ${STREAM_PATH}: ${watch.message}` };
    return { kind: 'failed', message: `GET ${STREAM_PATH} failed: ${messageOf(error)}` };
  } finally {
    watch.stop();
    untie();
  }
}

function openStream(connection: Connection, revision: number | undefined, signal: AbortSignal): Promise<Response> {
  const query = revision === undefined ? '' : `?revision=${revision}`;
  const headers = { ...headersOf(connection), accept: 'text/event-stream' };
  return connection.fetch(addressOf(connection, STREAM_PATH) + query, { headers, signal, cache: 'no-store' });
}

async function readFrames(
  body: ReadableStream<Uint8Array>,
  reader: StreamReader,
  onBytes: () => void,
): Promise<string | undefined> {
  const frames: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (frame) => frames.push(frame),
    onRetry: reader.onRetry,
    maxBufferSize: LONGEST_FRAME,
  });
  const decoder = new TextDecoder();
  const bytes = body.getReader();
  try {
    for (let chunk = await bytes.read(); !chunk.done; chunk = await bytes.read()) {
      onBytes();
      reader.onBytes();
      parser.feed(decoder.decode(chunk.value, { stream: true }));
      for (const frame of frames.splice(0)) {
        const failure = await reader.onFrame(frame);
        if (failure !== undefined) return failure;
      }
    }
    return undefined;
  } finally {
    // Not awaited: a cancelled body may settle late, and nothing depends on it.
    bytes.cancel().catch(() => undefined);
  }
}

/** Aborts a stream that says nothing for too long. */
class SilenceWatch {
  readonly #connection: Connection;
  readonly abort = new AbortController();
  #cancel: () => void = () => undefined;
  silent = false;
  message = '';

  constructor(connection: Connection) {
    this.#connection = connection;
    this.expectBytesWithin(REQUEST_TIMEOUT_MS);
  }

  expectBytesWithin(limitMs: number): void {
    this.#cancel();
    this.#cancel = this.#connection.clock.after(limitMs, 'silence', () => {
      this.silent = true;
      this.message = `no byte for ${limitMs / 1000} s`;
      this.abort.abort(new Error(this.message));
    });
  }

  stop(): void {
    this.#cancel();
  }
}
