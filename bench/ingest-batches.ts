import { TELEMETRY_PATH, type TelemetryBatch } from '@rampart/api';
import { createClient, type RampartClient } from '@rampart/sdk';
import { seededRandom } from './virtual-site.ts';

/** People of the site; a process meets a few of them. */
const USERS = 1_000_000;

/** The site whose SDKs are recorded. */
export type SiteOptions = {
  readonly url: string;
  readonly token: string;
  readonly flags: readonly string[];
  /** Requests of one process between two flushes, to the flags in turn. */
  readonly requests: number;
};

/** What a real SDK sent; any process can send it as its own. */
export type RecordedBatch = {
  readonly series: TelemetryBatch['series'];
  readonly cells: number;
  readonly bodyOf: (instance: string, sequence: number) => string;
};

/** Telemetry as real SDKs make it under the ruleset in force, one batch per process and flush. Nothing of it is delivered. */
export async function recordBatches(site: SiteOptions, count: number): Promise<readonly RecordedBatch[]> {
  const recorded: RecordedBatch[] = [];
  const taken = async (url: string, init: RequestInit) => {
    if (!url.endsWith(TELEMETRY_PATH)) return fetch(url, init);
    recorded.push(recordedOf(JSON.parse(String(init.body)) as TelemetryBatch));
    return new Response(null, { status: 202 });
  };
  const client = createClient({ ...site, fetch: taken, initTimeoutMs: 20_000, flushIntervalMs: 3_600_000 });
  await client.ready();
  const random = seededRandom(1);
  while (recorded.length < count) {
    for (let i = 0; i < site.requests; i += 1) serve(client, site.flags[i % site.flags.length] ?? '', random);
    await client.flush();
  }
  await client.close();
  return recorded.slice(0, count);
}

function recordedOf({ series, ...head }: TelemetryBatch): RecordedBatch {
  const text = JSON.stringify(series);
  return {
    series,
    cells: series.reduce((total, { bucket }) => total + bucket.length, 0),
    bodyOf(instance, sequence) {
      const own = JSON.stringify({ ...head, batchId: `${instance}-${sequence}`, instance, sequence });
      return `${own.slice(0, -1)},"series":${text}}`;
    },
  };
}

/** One request of a user: it asks for the flag and reports errors, latency, quality and cost. */
function serve(client: RampartClient, flag: string, random: () => number): void {
  const scope = client.openScope({ targetingKey: `user-${Math.floor(random() * USERS)}` });
  scope.run(() => {
    client.boolean(flag, false);
    const durationMs = 80 * Math.exp(0.5 * (random() + random() + random() - 1.5));
    client.recordOutcome({ error: random() < 0.002, durationMs });
    client.track('hallucinationRate', random() < 0.02 ? 1 : 0);
    client.track('costPerQuery', 0.02 + 0.01 * random());
  });
}
