import type { Check, Metric } from '../../plan.ts';
import { parsePlan } from '../parse-plan.ts';

/** Random numbers in [0, 1) by seed (mulberry32): the same on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A Poisson number. */
export function poisson(random: () => number, mean: number): number {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > end; product *= random()) count += 1;
  return count;
}

/** A gate check as the plan's reader gives it, for example `metric: errorRate, limit: 1%`. */
export function checkOf(text: string, metrics = ''): { readonly check: Check; readonly metric: Metric } {
  const stages = `[{ name: canary, percentage: 10, duration: 1d, gate: [ { ${text} } ] }, { name: ga, percentage: 100, gate: [] }]`;
  const result = parsePlan(`flag: f\n${metrics}stages: ${stages}\n`);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  const [check] = result.plan.stages[0]?.gate ?? [];
  const metric = check && result.plan.metrics[check.metric];
  if (!check || !metric) throw new Error(`no check in ${text}`);
  return { check, metric };
}
