import { formatShare, type Plan, type PlanPreview, unitOf } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatCount, formatDate, formatLength, formatMeasured, NOTHING } from './format.ts';
import { renderTable } from './table.ts';
import { oneLine, wrap } from './text.ts';

type StagePreview = PlanPreview['stages'][number];
type CheckPreview = StagePreview['checks'][number];

const HOUR_MS = 3_600_000;

function header(plan: Plan, { startAt }: PlanPreview, width: number): string {
  const trips = plan.killSwitch?.trips.map(({ metric, text }) => `${metric} ${text}`).join(', ');
  const lines = [
    `flag ${plan.flag} in ${plan.environment}, version ${plan.version}; started ${formatDate(startAt)} at best`,
    `pre-flight: ${plan.preflight.join(', ') || 'nothing to attest'}`,
    `baseline: ${formatLength(plan.baseline.windowMs)} (not in the dates below: history may have it already)`,
    `abort at any time: ${plan.abortCriteria.map(({ metric, text }) => `${metric} ${text}`).join(', ') || 'no criterion'}`,
    ...(trips === undefined ? [] : [`kill switch ${plan.killSwitch?.flag}: ${trips || 'tripped by people only'}`]),
    `exit: ${plan.exit.join(', ')}, after ${formatLength(plan.monitorMs)} at the last stage`,
  ];
  return lines.map((line) => wrap(oneLine(line), width, '  ')).join('\n');
}

function dates({ startsAt, endsAt }: StagePreview): string {
  if (startsAt === null) return 'never: the calendar does not open';
  return endsAt === null ? `from ${formatDate(startsAt)}` : `${formatDate(startsAt)} to ${formatDate(endsAt)}`;
}

const needed = ({ observations }: CheckPreview): string =>
  observations === null ? NOTHING : formatCount(observations);

const hours = ({ hoursNeeded }: CheckPreview): string =>
  hoursNeeded === null ? NOTHING : hoursNeeded < 0.1 ? 'minutes' : formatLength(hoursNeeded * HOUR_MS);

function checksOf(stage: StagePreview, plan: Plan, width: number, paint: Paint): string {
  const indent = '  ';
  const table = renderTable<CheckPreview>(
    {
      rows: stage.checks,
      columns: [
        { title: 'GATE', cell: ({ metric }) => oneLine(metric) },
        { title: 'LIMIT', cell: ({ limit }) => limit },
        {
          title: 'TODAY',
          keep: 2,
          cell: ({ metric, expected }) => formatMeasured(expected, unitOf(metric, plan.metrics)),
        },
        { title: 'EVIDENCE NEEDED', keep: 3, cell: needed },
        { title: 'TIME', cell: hours },
        { title: 'VALIDITY', keep: 1, cell: ({ validity }) => validity },
      ],
      below: ({ why }) => oneLine(why ?? ''),
    },
    width - indent.length,
    paint,
  );
  return table.replaceAll(/^/gm, indent);
}

function stageBlock(stage: StagePreview, index: number, plan: Plan, width: number, paint: Paint): string {
  const planned = plan.stages[index];
  if (planned === undefined) return '';
  const length = planned.durationMs === null ? 'permanent' : `at least ${formatLength(planned.durationMs)}`;
  const daily =
    stage.requestsPerDay === null || stage.requestsPerDay === 0
      ? ''
      : `, ${formatCount(stage.requestsPerDay)} requests a day in treatment`;
  const isLast = index === plan.stages.length - 1;
  const outcome = isLast ? '' : `if the gate fails: ${planned.onFail}; undecided: ${planned.onInconclusive}`;
  const isBare = stage.checks.length === 0 && planned.confirmations.length === 0;
  return [
    `${paint.bold(`${index + 1}. ${oneLine(stage.name)}`)}  ${paint.cyan(formatShare(planned))}, ${length}${daily}`,
    `  ${paint.dim(dates(stage))}`,
    ...(isBare ? ['  no gate'] : []),
    ...(stage.checks.length > 0 ? [checksOf(stage, plan, width, paint)] : []),
    ...planned.confirmations.map((text) => `  confirm: ${oneLine(text)}`),
    ...(outcome === '' ? [] : [`  ${paint.dim(outcome)}`]),
    ...stage.warnings.map((text) => `  ${paint.yellow('!')} ${wrap(oneLine(text), width - 4, '    ')}`),
  ].join('\n');
}

/** What a plan would do at best: dates, shares, gates and the evidence each needs. */
export function renderPlan(plan: Plan, preview: PlanPreview, width: number, paint: Paint): string {
  const stages = preview.stages.map((stage, index) => stageBlock(stage, index, plan, width, paint));
  return [`${paint.bold(oneLine(plan.title))}\n${header(plan, preview, width)}`, ...stages].join('\n\n');
}
