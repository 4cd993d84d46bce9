import type { StreamFrame } from './wire.ts';

/** Comment the server sends every `HEARTBEAT_MS`, so that both ends and every proxy between see the stream is alive. */
export const HEARTBEAT = ': heartbeat\n\n';

/** A ruleset or a patch as one Server-Sent Event, with its revision as `id`. JSON has no raw line breaks, so one `data` line is enough. */
export function encodeFrame(frame: StreamFrame): string {
  return `event: ${frame.event}\nid: ${frame.data.revision}\ndata: ${JSON.stringify(frame.data)}\n\n`;
}

/** First thing of a stream: after how long a client reconnects. Milliseconds, rounded up to a whole number. */
export function retryLine(retryMs: number): string {
  return `retry: ${Math.ceil(Math.max(0, retryMs))}\n\n`;
}
