import { describe, expect, it } from 'vitest';
import { parsePlan } from '../parse-plan.ts';
import type { Traffic } from './traffic.ts';
import { trafficRefusal } from './traffic-refusal.ts';

const TEXT = `flag: f
stages:
  - { name: team, audience: team, percentage: 100, duration: 1d }
  - { name: ga, percentage: 100 }
abortCriteria: { errorRate: 1%, p99Latency: 2x baseline, userComplaints: 10 per 24h, faithfulness: 0.85 }
`;

function refusalOf(traffic: Partial<Traffic>, text = TEXT): string | undefined {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return trafficRefusal(result.plan, { requestsPerDay: 1000, ...traffic });
}

describe('traffic that a plan is given', () => {
  it('may leave out everything, and may have every value that can be', () => {
    expect(refusalOf({})).toBeUndefined();
    const baselines = { errorRate: 0, p99Latency: 0.4, userComplaints: 0, faithfulness: 1 };
    expect(refusalOf({ baselines, audiences: { team: 0.01 } })).toBeUndefined();
  });

  it.each<[Partial<Traffic>, string]>([
    [{ baselines: { errorRate: 20 } }, 'errorRate=20 cannot be; it must be a share from 0 to below 1'],
    [{ errorRate: -1 }, 'errorRate=-1 cannot be; it must be a share from 0 to below 1'],
    [{ baselines: { p99Latency: 0 } }, 'p99Latency=0 cannot be; it must be above 0'],
    [{ baselines: { userComplaints: -1 } }, 'userComplaints=-1 cannot be; it must be at least 0 per day'],
    [{ baselines: { faithfulness: 1.1 } }, 'faithfulness=1.1 cannot be; it must be a score from 0 to 1'],
    [{ baselines: { errorrate: 0.1 } }, 'the plan has no metric errorrate; did you mean "errorRate"?'],
    [{ audiences: { teem: 0.1 } }, 'the plan has no audience teem; did you mean "team"?'],
    [{ audiences: { team: 2 } }, 'audiences of {"team":2} cannot be; shares are from 0 and together at most 1'],
  ])('is refused where it cannot be: %j', (traffic, message) => {
    expect(refusalOf(traffic)).toBe(message);
  });

  it('is refused where a plan has no audience at all', () => {
    const text = TEXT.replace('audience: team, percentage: 100', 'percentage: 5');
    expect(refusalOf({ audiences: { team: 0.1 } }, text)).toBe(
      'the plan has no audience team; its stages take everyone',
    );
  });
});
