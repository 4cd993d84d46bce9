import type { ServerResponse } from 'node:http';
import { encodeFrame, HEARTBEAT, HEARTBEAT_MS, retryLine } from '@rampart/api';
import { diffRulesets, type Ruleset } from '@rampart/flags';

/** Revisions a client may be behind and still be sent only what changed. */
export const RING_SIZE = 100;
/** A client that leaves more than this unread is dropped, bytes: it reconnects when it can read again. */
export const MAX_UNREAD_BYTES = 1024 * 1024;
/** After how long clients reconnect, ms: spread, so that a restart is not followed by all of them at once. */
const SHORTEST_RETRY_MS = 500;
const RETRY_SPREAD_MS = 2_000;

/** Streams of rulesets as Server-Sent Events. */
export type RulesetStream = {
  /** Sends a new revision to everyone, in the turn of the call. */
  readonly publish: (ruleset: Ruleset) => void;
  /** Serves a stream from `revision` on (absent: unknown); `onEnd` is called once: `isClean` when the client closed it, and no error broke it. */
  readonly serve: (response: ServerResponse, revision: number | undefined, onEnd: (isClean: boolean) => void) => void;
  readonly size: () => number;
  /** Ends every stream and takes no more. */
  readonly close: () => void;
};

/** A frame encoded once for all clients, bare and as an HTTP chunk. */
type Encoded = { readonly bare: Buffer; readonly chunk: Buffer };
type Client = (frame: Encoded) => void;

/** What streams work with. `random` in [0, 1) spreads reconnections; `onFuture` hears of revisions above ours. */
export type StreamOptions = {
  readonly random: () => number;
  readonly onFuture: (theirs: number, ours: number) => void;
};

/** Streams without a ruleset yet: `publish` one before the first `serve`. */
export function createRulesetStream({ random, onFuture }: StreamOptions): RulesetStream {
  const clients = new Map<ServerResponse, Client>();
  const heartbeat = encoded(HEARTBEAT);
  let ring: readonly Ruleset[] = [];
  const timer = setInterval(() => {
    for (const send of clients.values()) send(heartbeat);
  }, HEARTBEAT_MS);
  timer.unref();

  const greeting = (revision: number | undefined): string => {
    const current = ring.at(-1);
    if (current === undefined || revision === current.revision) return HEARTBEAT;
    if (revision !== undefined && revision > current.revision) onFuture(revision, current.revision);
    const known = ring.find((ruleset) => ruleset.revision === revision);
    if (known === undefined) return encodeFrame({ event: 'put', data: current });
    return encodeFrame({ event: 'patch', data: diffRulesets(known, current) });
  };

  return {
    publish(ruleset) {
      const before = ring.at(-1);
      ring = [...ring, ruleset].slice(-RING_SIZE);
      if (clients.size === 0) return;
      const frame = encoded(
        before === undefined
          ? encodeFrame({ event: 'put', data: ruleset })
          : encodeFrame({ event: 'patch', data: diffRulesets(before, ruleset) }),
      );
      for (const send of clients.values()) send(frame);
    },
    serve(response, revision, onEnd) {
      const client = open(response);
      client(encoded(retryLine(SHORTEST_RETRY_MS + random() * RETRY_SPREAD_MS) + greeting(revision)));
      clients.set(response, client);
      const socket = response.socket;
      response.once('close', () => {
        clients.delete(response);
        // We end a response when we close; a broken connection never brings the end of what the client sends.
        onEnd(socket?.readableEnded === true && !response.writableEnded);
      });
    },
    size: () => clients.size,
    close() {
      clearInterval(timer);
      for (const response of clients.keys()) {
        response.end();
        response.socket?.end();
      }
    },
  };
}

/** `no-transform` and `x-accel-buffering` keep proxies from holding frames back. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/**
 * Frames go to the socket as chunks made once for all: a write through the response would cork, frame and copy each
 * time, three times as slow over ten thousand clients.
 */
function open(response: ServerResponse): Client {
  const socket = response.socket;
  response.writeHead(200, HEADERS);
  response.flushHeaders();
  socket?.setNoDelay(true);
  socket?.setTimeout(0);
  return ({ bare, chunk }) => {
    if (socket === null || socket.destroyed) return;
    if (socket.writableLength > MAX_UNREAD_BYTES) return void socket.destroy();
    socket.write(response.chunkedEncoding ? chunk : bare);
  };
}

function encoded(text: string): Encoded {
  const bare = Buffer.from(text);
  const chunk = Buffer.concat([Buffer.from(`${bare.length.toString(16)}\r\n`), bare, Buffer.from('\r\n')]);
  return { bare, chunk };
}
