import { z } from 'zod';
import { instantOf } from './instant-of.ts';
import { schemaProblem } from './schema-problem.ts';

/** An alert that fires. `key`: the same in every repetition of this firing. */
export type FiringAlert = {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  /** When it began to fire, epoch milliseconds; absent where the sender does not say. */
  readonly startedAt?: number;
};

/** Alerts of one delivery that fire; what is resolved changes nothing. `left`: how many the sender left out to be brief. */
export type AlertDelivery = { readonly firing: readonly FiringAlert[]; readonly left: number };

/** Alertmanager's webhook of version 4; Grafana's has the same keys and more. */
const deliverySchema = z.object({
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels: z.record(z.string(), z.string()),
      startsAt: z.string().optional(),
      fingerprint: z.string().optional(),
    }),
  ),
  truncatedAlerts: z.int().min(0).optional(),
});

/** Reads what an Alertmanager (webhook version 4) or a Grafana sends, or says what is wrong with it. */
export function readAlertDelivery(body: unknown): AlertDelivery | { readonly problem: string } {
  const read = deliverySchema.safeParse(body);
  if (!read.success) return { problem: `this is no webhook of Alertmanager or Grafana: ${schemaProblem(read.error)}` };
  const { alerts, truncatedAlerts: left = 0 } = read.data;
  return { firing: alerts.filter(({ status }) => status === 'firing').map(firingOf), left };
}

function firingOf({ labels, startsAt, fingerprint }: z.output<typeof deliverySchema>['alerts'][number]): FiringAlert {
  const startedAt = instantOf(startsAt);
  const sorted = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    key: `${fingerprint ?? JSON.stringify(sorted)}@${startsAt ?? ''}`,
    labels,
    ...(startedAt !== undefined && { startedAt }),
  };
}
