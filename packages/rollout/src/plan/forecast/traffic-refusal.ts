import type { Metric, Plan } from '../../plan.ts';
import { suggest } from '../nearest.ts';
import { type Traffic, todayOf } from './traffic.ts';

function rangeOf({ kind, unit }: Metric): { readonly isFine: (today: number) => boolean; readonly words: string } {
  if (kind === 'proportion') return { isFine: (today) => today >= 0 && today < 1, words: 'a share from 0 to below 1' };
  if (unit === 'score') return { isFine: (today) => today >= 0 && today <= 1, words: 'a score from 0 to 1' };
  if (kind === 'count') return { isFine: (today) => today >= 0, words: 'at least 0 per day' };
  return { isFine: (today) => today > 0, words: 'above 0' };
}

function baselineRefusal({ metrics }: Plan, traffic: Traffic): string | undefined {
  const known = Object.keys(metrics);
  const unknown = Object.keys(traffic.baselines ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined) return `the plan has no metric ${unknown}; ${suggest(unknown, known)}`;
  for (const metric of Object.values(metrics)) {
    const today = todayOf(metric, traffic);
    const { isFine, words } = rangeOf(metric);
    if (today !== undefined && !isFine(today)) return `${metric.name}=${today} cannot be; it must be ${words}`;
  }
  return undefined;
}

function audienceRefusal({ stages }: Plan, { audiences = {} }: Traffic): string | undefined {
  const known = stages.flatMap(({ audience }) => audience ?? []);
  const unknown = Object.keys(audiences).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const hint = known.length === 0 ? 'its stages take everyone' : suggest(unknown, known);
    return `the plan has no audience ${unknown}; ${hint}`;
  }
  const shares = Object.values(audiences);
  const isFine = shares.every((share) => share >= 0) && shares.reduce((sum, share) => sum + share, 0) <= 1;
  if (isFine) return undefined;
  return `audiences of ${JSON.stringify(audiences)} cannot be; shares are from 0 and together at most 1`;
}

/** Why this cannot be the traffic of a plan: a metric or audience it has not, a value that cannot be. `undefined`: it can. */
export function trafficRefusal(plan: Plan, traffic: Traffic): string | undefined {
  return baselineRefusal(plan, traffic) ?? audienceRefusal(plan, traffic);
}
