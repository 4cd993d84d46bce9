import { type Plan, type Principal, parsePlan } from '@rampart/rollout';
import { proportionInterval } from '@rampart/stats';
import { DEMO_TIME_SCALE, type DemoPlan, DIGEST_TURBO, SUMMARY_OUTLINE } from '../packages/cli/src/demo/demo-plans.ts';
import { VirtualRollout } from '../spec/virtual-rollout.ts';
import type { BenchResult } from './result.ts';
import { type Behaviour, VirtualSite } from './virtual-site.ts';

const PERSON: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
const START_AT = Date.UTC(2026, 0, 5, 9);
/** Batches of the demo arrive this often; a run that is undecided after ten minutes of virtual time counts as neither. */
const STEP_MS = 250;
const LONGEST_MS = 600_000;
const DEFAULT_SEEDS = 1000;

const CONTROL: Behaviour = { errorRate: 0.002, p99Seconds: 0.06, hallucinationRate: 0.015, costPerQuery: 0.002 };
const REGRESSED: Behaviour = { errorRate: 0.06, p99Seconds: 0.24, hallucinationRate: 0.3, costPerQuery: 0.002 };

type Outcome = { readonly phase: string; readonly seconds: number; readonly people: number; readonly why: string };

function planOf({ file, text }: DemoPlan): Plan {
  const parsed = parsePlan(text, { file, now: START_AT, timeScale: DEMO_TIME_SCALE });
  if (!parsed.ok) throw new Error(`${file}: ${JSON.stringify(parsed.issues)}`);
  return parsed.plan;
}

function runOnce(plan: Plan, treatment: Behaviour, seed: number): Outcome {
  const rollout = new VirtualRollout(plan, PERSON, START_AT);
  const site = new VirtualSite({
    flag: plan.flag,
    users: 5000,
    audienceShare: 0.05,
    requestsPerSecond: 300,
    treatment,
    audience: CONTROL,
    control: CONTROL,
    seed,
  });
  rollout.pass(PERSON);
  while (
    rollout.now - START_AT < LONGEST_MS &&
    rollout.state.phase !== 'aborted' &&
    rollout.state.phase !== 'complete'
  ) {
    rollout.tick(STEP_MS, { series: site.step(rollout.state, STEP_MS) });
    rollout.approveAll(PERSON);
  }
  const { state, now } = rollout;
  const incident = state.incidents.at(-1);
  return {
    phase: state.phase,
    seconds: (now - START_AT) / 1000,
    people: incident ? incident.people.treatment + incident.people.targeted : 0,
    why: incident?.reason ?? state.phase,
  };
}

function share(outcomes: readonly Outcome[], phase: string) {
  const x = outcomes.filter((one) => one.phase === phase).length;
  const { low, high } = proportionInterval(x, outcomes.length, 0.05);
  return { count: x, of: outcomes.length, share: x / outcomes.length, low, high };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function reasons(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { why } of outcomes) counts[why] = (counts[why] ?? 0) + 1;
  return counts;
}

function summary(outcomes: readonly Outcome[], wanted: string) {
  return {
    [wanted]: share(outcomes, wanted),
    medianSeconds: median(outcomes.map((one) => one.seconds)),
    medianPeopleExposedAtAbort: median(outcomes.map((one) => one.people)),
    reasons: reasons(outcomes),
  };
}

/** The two rollouts of the demo through the pure core on a virtual clock, one run per seed. `SEEDS` sets their number. Default: 1,000. */
export async function run(): Promise<BenchResult> {
  const seeds = Number(process.env.SEEDS ?? DEFAULT_SEEDS);
  const [healthyPlan, badPlan] = [planOf(SUMMARY_OUTLINE), planOf(DIGEST_TURBO)];
  const [healthy, bad]: [Outcome[], Outcome[]] = [[], []];
  for (let seed = 1; seed <= seeds; seed += 1) {
    healthy.push(runOnce(healthyPlan, CONTROL, seed));
    bad.push(runOnce(badPlan, REGRESSED, seed));
    if (seed % 50 === 0) process.stderr.write(`\r${seed} of ${seeds} seeds`);
  }
  process.stderr.write('\n');
  return {
    name: 'rollouts',
    ratios: {},
    figures: { healthy: summary(healthy, 'complete'), bad: summary(bad, 'aborted') },
  };
}
