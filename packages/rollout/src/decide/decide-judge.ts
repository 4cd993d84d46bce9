import type { GoldenScore, RolloutCommand } from '../command.ts';
import type { MetricJudge } from '../plan.ts';
import type { Role } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import { accept, type Decision, type Handler, lacksRole, notIn, refuse } from './decision.ts';

type Calibrate = Extract<RolloutCommand, { type: 'CalibrateJudge' }>;
type Scored = GoldenScore & { readonly score: number };

/** Roles that bring evidence. */
const MEASURING: readonly Role[] = ['admin', 'operator', 'observer', 'analyst'];

/** Rounding of a mean of decimals may not make a drift of what lies on the tolerance. */
const SLACK = 1e-9;

/** What is wrong with the scores of a golden set; `undefined` where they can be taken. */
function problemOf(
  command: Calibrate,
  judge: MetricJudge,
  isShare: boolean,
  scored: readonly Scored[],
): string | undefined {
  const { goldenSet, scores } = command;
  if (goldenSet !== judge.goldenSet) {
    return `received scores of golden set ${JSON.stringify(goldenSet)}; the plan names ${JSON.stringify(judge.goldenSet)}`;
  }
  const items = new Set(scores.map(({ item }) => item));
  if (items.size !== scores.length) return `${scores.length - items.size} items were scored twice; give each item once`;
  if (scored.length < judge.items) {
    const failed = scores.length - scored.length;
    return `received ${scored.length} scores${failed === 0 ? '' : ` (${failed} items could not be scored)`}; at least ${judge.items} are needed`;
  }
  const outside = (value: number | undefined) => isShare && value !== undefined && !(value >= 0 && value <= 1);
  const wrong = scored.find(({ score, label }) => outside(score) || outside(label));
  if (wrong !== undefined) return `item ${JSON.stringify(wrong.item)} lies outside [0, 1]`;
  const unlabelled = judge.expected === 'labels' ? scored.find(({ label }) => label === undefined) : undefined;
  return unlabelled && `item ${JSON.stringify(unlabelled.item)} has no label; the plan compares scores with labels`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How far the scores are from what they should be, in the metric's unit. */
function deviationOf(scored: readonly Scored[], { expected }: MetricJudge): number {
  if (expected === 'labels') return meanOf(scored.map(({ score, label = score }) => Math.abs(score - label)));
  return Math.abs(meanOf(scored.map(({ score }) => score)) - expected);
}

function calibrated(state: RolloutState, command: Calibrate, judge: MetricJudge): Decision {
  const { metric, goldenSet, scores, cost } = command;
  const scored = scores.filter((one): one is Scored => one.score !== null);
  const unit = state.plan.metrics[metric]?.unit;
  const problem = problemOf(command, judge, unit === 'ratio' || unit === 'score', scored);
  if (problem !== undefined)
    return refuse('CALIBRATION_INVALID', `The judge of ${metric} is not calibrated: ${problem}.`);
  const deviation = deviationOf(scored, judge);
  return accept({
    type: 'JudgeCalibrated',
    metric,
    goldenSet,
    items: scored.length,
    failed: scores.length - scored.length,
    mean: meanOf(scored.map(({ score }) => score)),
    deviation,
    tolerance: judge.tolerance,
    drifted: deviation > judge.tolerance + SLACK,
    ...(command.judge !== undefined && { judge: command.judge }),
    ...(cost !== undefined && { cost }),
  });
}

/** Records how the judge of a metric scored its golden set. Too few scores are no calibration, whatever they say. */
export const calibrateJudge: Handler<Calibrate> = (state, command, by) => {
  const no =
    lacksRole(by, MEASURING, 'calibrate a judge') ??
    notIn(state, ['draft', 'preflight', 'baseline', 'exposing', 'monitoring', 'aborted'], 'calibrate a judge');
  if (no) return no;
  const { judges = {} } = state.plan;
  const judge = Object.hasOwn(judges, command.metric) ? judges[command.metric] : undefined;
  if (judge !== undefined) return calibrated(state, command, judge);
  const known = Object.keys(judges).join(', ') || 'none';
  return refuse('JUDGE_UNKNOWN', `The plan has no judge for ${JSON.stringify(command.metric)}; it has: ${known}.`);
};
