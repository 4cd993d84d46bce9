import { type Plan, planFromObject } from '@rampart/rollout';

/** A plan of hours with a check of every kind, for tests. */
export function planOf(change: Readonly<Record<string, unknown>> = {}): Plan {
  const result = planFromObject(
    {
      flag: 'new-checkout',
      version: '1',
      override: 'a test',
      metrics: { revenue: { kind: 'mean', unit: 'USD', harm: 'lower' } },
      stages: [
        { name: 'canary', percentage: 5, duration: '6h' },
        { name: 'half', percentage: 50, duration: '6h' },
        { name: 'ga', percentage: 100, duration: 'permanent', monitor: '6h' },
      ],
      abortCriteria: [
        { metric: 'errorRate', limit: '1%' },
        { metric: 'p99Latency', limit: '2x baseline' },
        { metric: 'userComplaints', limit: '10 per 4h' },
      ],
      killSwitch: { flag: 'kill', trip: [{ metric: 'hallucinationRate', limit: '15%' }] },
      ...change,
    },
    { now: 0, override: 'a test' },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}
