import { type Plan, type Principal, parsePlan } from '@rampart/rollout';
import { DEMO_TIME_SCALE, type DemoPlan, DIGEST_TURBO, SUMMARY_OUTLINE } from '../packages/cli/src/demo/demo-plans.ts';
import { VirtualRollout } from '../spec/virtual-rollout.ts';
import { type Behaviour, VirtualSite } from './virtual-site.ts';

const PERSON: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
const START_AT = Date.UTC(2026, 0, 5, 9);
/** Batches of the demo arrive this often; a run that is undecided after ten minutes of virtual time counts as neither. */
const STEP_MS = 250;
const LONGEST_MS = 600_000;

/** Both rollouts of one seed. */
export type Pair = { readonly healthy: Outcome; readonly bad: Outcome };

const CONTROL: Behaviour = { errorRate: 0.002, p99Seconds: 0.06, hallucinationRate: 0.015, costPerQuery: 0.002 };
const REGRESSED: Behaviour = { errorRate: 0.06, p99Seconds: 0.24, hallucinationRate: 0.3, costPerQuery: 0.002 };

/** How one rollout ended. */
export type Outcome = {
  readonly phase: string;
  readonly seconds: number;
  readonly people: number;
  readonly why: string;
};

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

/** `rollouts-run.ts FROM STEP LAST`: sends one `Pair` per seed to the parent process. */
const [from = 1, step = 1, last = 1] = process.argv.slice(2).map(Number);
const [healthyPlan, badPlan] = [planOf(SUMMARY_OUTLINE), planOf(DIGEST_TURBO)];
for (let seed = from; seed <= last; seed += step) {
  process.send?.({
    healthy: runOnce(healthyPlan, CONTROL, seed),
    bad: runOnce(badPlan, REGRESSED, seed),
  } satisfies Pair);
}
