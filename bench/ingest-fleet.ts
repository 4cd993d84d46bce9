import { Agent, request } from 'node:http';
import { TELEMETRY_PATH } from '@rampart/api';
import type { RecordedBatch } from './ingest-batches.ts';

/** As the SDK flushes. */
const FLUSH_EVERY_MS = 5000;
/** As the SDK gives up on an answer, and tries again. */
const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 500;
const TICK_MS = 20;

/** The processes of a site. */
export type FleetOptions = {
  readonly url: () => string;
  readonly token: string;
  readonly processes: number;
  readonly batches: readonly RecordedBatch[];
};

/** What the server has acknowledged, and how. */
export type Tally = {
  /** How often each recorded batch was acknowledged. */
  readonly times: number[];
  batches: number;
  cells: number;
  bytes: number;
  /** Answered `duplicate`: stored before, but the answer was lost. */
  duplicates: number;
  /** Deliveries without an answer, which are repeated. */
  failures: number;
  /** Milliseconds from request to answer. */
  readonly latencies: number[];
};

/** SDK processes that report: each has its own connection, and sends one batch at a time until it is acknowledged. */
export type Fleet = {
  readonly tally: Tally;
  readonly start: () => void;
  /** Starts no more batches; resolves when every one that was begun is acknowledged. */
  readonly finish: () => Promise<void>;
};

type Sender = { readonly instance: string; readonly agent: Agent; sent: number; sending: Promise<void> | undefined };

/** A fleet at rest. */
export function createFleet(options: FleetOptions): Fleet {
  const tally: Tally = {
    times: options.batches.map(() => 0),
    ...{ batches: 0, cells: 0, bytes: 0, duplicates: 0, failures: 0 },
    latencies: [],
  };
  const senders = Array.from({ length: options.processes }, (_, i): Sender => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return { instance: `process-${i}`, agent, sent: 0, sending: undefined };
  });
  let timer: NodeJS.Timeout | undefined;
  let turn = 0;
  const flush = (sender: Sender) => {
    // One that still waits for its last answer goes on summing, as an SDK does.
    if (sender.sending !== undefined) return;
    const which = turn % options.batches.length;
    sender.sending = deliver(options, tally, sender, which).finally(() => {
      sender.sending = undefined;
    });
  };
  return {
    tally,
    start() {
      const startedAt = performance.now();
      timer = setInterval(() => {
        const due = ((performance.now() - startedAt) / FLUSH_EVERY_MS) * senders.length;
        // Late by more than a round: the missed flushes are one.
        turn = Math.max(turn, Math.floor(due) - senders.length);
        for (; turn < due; turn += 1) flush(senders[turn % senders.length] as Sender);
      }, TICK_MS);
    },
    async finish() {
      clearInterval(timer);
      await Promise.all(senders.map(({ sending }) => sending));
      for (const { agent } of senders) agent.destroy();
    },
  };
}

async function deliver(options: FleetOptions, tally: Tally, sender: Sender, which: number): Promise<void> {
  const batch = options.batches[which];
  if (batch === undefined) return;
  sender.sent += 1;
  const body = batch.bodyOf(sender.instance, sender.sent);
  for (;;) {
    const startedAt = performance.now();
    const answer = await post(options, sender.agent, body).catch(() => undefined);
    if (answer !== undefined) {
      tally.latencies.push(performance.now() - startedAt);
      tally.times[which] = (tally.times[which] ?? 0) + 1;
      tally.batches += 1;
      tally.cells += batch.cells;
      tally.bytes += body.length;
      if (answer.includes('"duplicate"')) tally.duplicates += 1;
      return;
    }
    tally.failures += 1;
    await new Promise((done) => setTimeout(done, RETRY_AFTER_MS));
  }
}

/** The body of the answer 202. */
function post({ url, token }: FleetOptions, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const asked = request(url() + TELEMETRY_PATH, { method: 'POST', agent, headers, timeout: TIMEOUT_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('error', reject);
      answer.on('end', () =>
        answer.statusCode === 202 ? resolve(text) : reject(new Error(`answered ${answer.statusCode}: ${text}`)),
      );
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end(body);
  });
}
