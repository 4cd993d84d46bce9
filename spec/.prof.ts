import { planFromObject, weightOfEveryone } from '@rampart/rollout';
import { VirtualRollout } from './virtual-rollout.ts';
import { seriesOf } from './world.ts';
import { readFileSync } from 'node:fs';
const g = JSON.parse(readFileSync(new URL('decisions/golden.json', import.meta.url), 'utf8'));
const plan = planFromObject(g.scenarios[0].plan, { now: Date.UTC(2026,0,5,9) });
if (!plan.ok) throw new Error('x');
const ana = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] } as const;
const r = new VirtualRollout(plan.plan, ana, Date.UTC(2026,0,5,9));
r.pass(ana);
const t0 = performance.now(); let n = 0;
for (let i = 0; i < 4000; i += 1) {
  const share = weightOfEveryone(r.state.layers) / 1e5;
  const ev: any = { errorRate: { treatment: { count: Math.round(277*share)+1, sum: 0 }, control: { count: 277, sum: i % 4 ? 0 : 1 } }, p99Latency: { treatment: { count: Math.round(277*share)+1, p99: 1 }, control: { count: 277, p99: 1 } }, hallucinationRate: { treatment: { count: 10, sum: 0 } }, costPerQuery: { treatment: { count: 10, mean: 0.2 } } };
  const series = seriesOf(ev, r.state, 0, 1);
  const a = performance.now(); r.tick(240_000, { series }); n += performance.now() - a;
}
console.log(r.state.phase, r.state.stage, 'ms per tick', n / 4000, 'checks', r.judgement!.verdicts.length);
