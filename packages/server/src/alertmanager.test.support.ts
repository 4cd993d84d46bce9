import { runAlertmanager, SKIP_ALERTMANAGER } from '../../connectors/src/alertmanager.test.support.ts';

export { SKIP_ALERTMANAGER };

/** An Alertmanager that sends everything to one webhook at once. */
export type RunningAlertmanager = {
  /** Tells it of an alert, as Prometheus does; without `endsAt` it fires. */
  readonly alert: (labels: Readonly<Record<string, string>>, startsAt: number, endsAt?: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Starts an Alertmanager whose only receiver is `url`, with a secret sent along. */
export async function startAlertmanager(url: string, secret: string): Promise<RunningAlertmanager> {
  const receiver = `{ url: '${url}', send_resolved: true, max_alerts: 0, http_config: { authorization: { credentials: '${secret}' } } }`;
  const route = "{ receiver: rampart, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1s }";
  const { url: base, stop } = await runAlertmanager(
    `route: ${route}\nreceivers: [ { name: rampart, webhook_configs: [ ${receiver} ] } ]\n`,
  );
  return {
    stop,
    async alert(labels, startsAt, endsAt) {
      const instants = { startsAt: iso(startsAt), ...(endsAt !== undefined && { endsAt: iso(endsAt) }) };
      const response = await fetch(`${base}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ labels, ...instants, generatorURL: 'http://prometheus.example/graph' }]),
      });
      if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
    },
  };
}

const iso = (at: number) => new Date(at).toISOString();
