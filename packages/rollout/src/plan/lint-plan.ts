import { FULL_WEIGHT } from '@rampart/flags';
import type { Plan, Stage } from '../plan.ts';
import { formatValue } from './format-limit.ts';
import type { IssueLog, PlanPath } from './issue-log.ts';

/** Below these shares a percentage is probably a fraction by mistake: 0.1 % of everyone, 1 % of a named audience. */
const SMALL_OF_EVERYONE = 100;
const SMALL_OF_AUDIENCE = 1000;

function warnSmall(stage: Stage, path: PlanPath, log: IssueLog): void {
  if (stage.weight >= (stage.audience === undefined ? SMALL_OF_EVERYONE : SMALL_OF_AUDIENCE)) return;
  const share = stage.weight / FULL_WEIGHT;
  const who = stage.audience === undefined ? 'everyone' : JSON.stringify(stage.audience);
  const meant = formatValue(stage.weight / 1000, 'ratio');
  const message = `${formatValue(share, 'ratio')} of ${who} is probably a mistake: percentages are percent, not fractions; did you mean ${meant}?`;
  log.warning('small-percentage', [...path, 'percentage'], message);
}

function warnNoControl(stage: Stage, path: PlanPath, log: IssueLog): void {
  const compared = stage.gate.find(({ limit }) => limit.kind === 'relative' && limit.reference === 'control');
  if (stage.weight < FULL_WEIGHT || !compared) return;
  const message = `${compared.metric} is compared with control, but at 100 % nobody is in control: it cannot pass; compare with the baseline, or give a number`;
  log.warning('no-control', path, message);
}

/** Warnings about a plan that is valid but doubtful. */
export function lintPlan(plan: Plan, log: IssueLog): void {
  for (const [index, stage] of plan.stages.entries()) {
    const path = ['stages', index];
    warnSmall(stage, path, log);
    warnNoControl(stage, path, log);
  }
  const last = plan.stages.at(-1);
  if (last?.audience === undefined && last?.weight === FULL_WEIGHT) {
    const message =
      'no hold-back: control ends at 100 %, and only the baseline and absolute limits rule from there; recommended is holdback: 1 to 5';
    log.warning('no-holdback', ['stages', plan.stages.length - 1], message);
  }
}
