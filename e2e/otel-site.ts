import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, OpenFeature } from '@openfeature/server-sdk';
import { type ApiClient, createApiClient } from '@rampart/api';
import { createClient } from '@rampart/sdk';
import { RampartProvider } from '@rampart/sdk/openfeature-server';
import { startServer } from '@rampart/server';

/** A server, and an OpenFeature client over it: all of Rampart that an app with OpenTelemetry sees. */
export type OtelSite = {
  readonly url: string;
  readonly api: ApiClient;
  readonly client: Client;
  /** Token for an exporter. */
  readonly ingestToken: (name: string) => Promise<string>;
  readonly close: () => Promise<void>;
};

/** Sums of the closed evidence of a metric and arm. */
export type Totals = { count: number; sum: number; readonly bins: Map<number, number> };

export async function openOtelSite(domain: string): Promise<OtelSite> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rampart-otel-'));
  const ignore = () => undefined;
  const server = await startServer({ dataDir, port: 0, log: { info: ignore, warn: ignore, error: ignore } });
  const { admin, sdk } = server.firstToken!;
  const api = createApiClient({ url: server.url, token: admin });
  await OpenFeature.setProviderAndWait(domain, new RampartProvider(createClient({ url: server.url, token: sdk })));
  return {
    url: server.url,
    api,
    client: OpenFeature.getClient(domain),
    ingestToken: async (name) => (await api.createToken({ kind: 'ingest', name })).token,
    async close() {
      await OpenFeature.close();
      await OpenFeature.clearProviders();
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Evidence of a metric and arm, summed over all closed batches; of exposures from `fromEpoch` on. */
export async function evidenceOf(
  api: ApiClient,
  id: string,
  metric: string,
  arm: string,
  fromEpoch = 0,
): Promise<Totals> {
  const { batches } = await api.listEvidence(id, 0, 500);
  const totals: Totals = { count: 0, sum: 0, bins: new Map() };
  for (const series of batches.flatMap((batch) => batch.series)) {
    if (series.metric !== metric || series.arm !== arm || series.epoch < fromEpoch) continue;
    series.bucket.forEach((_, i) => {
      totals.count += series.count[i] ?? 0;
      totals.sum += series.sum[i] ?? 0;
      for (const [bin, count] of series.bins?.[i] ?? []) totals.bins.set(bin, (totals.bins.get(bin) ?? 0) + count);
    });
  }
  return totals;
}
