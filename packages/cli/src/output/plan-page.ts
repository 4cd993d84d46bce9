import { formatShare, type Plan, type PlanPreview, unitOf } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatCount, formatDate, formatLength, formatMeasured, NOTHING } from './format.ts';
import { formatChance, renderHarm } from './plan-harm.ts';
import { renderTable } from './table.ts';
import { oneLine, wrap } from './text.ts';

type StagePreview = PlanPreview['stages'][number];
type CheckPreview = StagePreview['checks'][number];

const HOUR_MS = 3_600_000;

function header(plan: Plan, preview: PlanPreview, width: number): string {
  const { startAt } = preview;
  const trips = plan.killSwitch?.trips.map(({ metric, text }) => `${metric} ${text}`).join(', ');
  const lines = [
    `flag ${plan.flag} in ${plan.environment}, version ${plan.version}; started ${formatDate(startAt)} at best`,
    `everyone has it: ${arrivals(preview)}`,
    `pre-flight: ${plan.preflight.join(', ') || 'nothing to attest'}`,
    `baseline: ${formatLength(plan.baseline.windowMs)} (not in the dates below: history may have it already)`,
    `abort at any time: ${plan.abortCriteria.map(({ metric, text }) => `${metric} ${text}`).join(', ') || 'no criterion'}`,
    ...(trips === undefined ? [] : [`kill switch ${plan.killSwitch?.flag}: ${trips || 'tripped by people only'}`]),
    `exit: ${plan.exit.join(', ')}, after ${formatLength(plan.monitorMs)} at the last stage`,
  ];
  return lines.map((line) => wrap(oneLine(line), width, '  ')).join('\n');
}

/** When everyone has the feature; no date is expected of traffic that is not known. */
function arrivals({ gaAt, stages, guards }: PlanPreview): string {
  if (gaAt.best === null) return 'never: the calendar does not open';
  const best = `${formatDate(gaAt.best)} at best`;
  if (stages.every(({ requestsPerDay }) => !requestsPerDay)) return `${best}; what to expect follows from the traffic`;
  if (guards.some(({ tier, isBeyond }) => tier === 'abort' && isBeyond))
    return `${best}, but it will be aborted: see below`;
  if (gaAt.expected !== null) return `${best}, ${formatDate(gaAt.expected)} as expected`;
  return `${best}, but a gate is not likely to pass in time: a person will have to decide, or change the plan`;
}

function dates({ startsAt, endsAt, expectedEndsAt, askedAfterMs }: StagePreview): string {
  if (startsAt === null) return 'never: the calendar does not open';
  if (endsAt === null) return `from ${formatDate(startsAt)}`;
  const asked = askedAfterMs === undefined ? '' : `; a person is asked after ${formatLength(askedAfterMs)}`;
  const isLate = expectedEndsAt !== null && formatDate(expectedEndsAt) !== formatDate(endsAt);
  return `${formatDate(startsAt)} to ${formatDate(endsAt)}${isLate ? `, expected ${formatDate(expectedEndsAt)}` : ''}${asked}`;
}

const needed = ({ observations }: CheckPreview): string =>
  observations === null ? NOTHING : formatCount(observations);

const HOURS_OF_YEAR = 8766;
/** Beyond this nobody plans. */
const MOST_YEARS = 10;

function time({ hoursLikely }: CheckPreview): string {
  if (hoursLikely === null) return NOTHING;
  if (hoursLikely > MOST_YEARS * HOURS_OF_YEAR) return `over ${MOST_YEARS} years`;
  if (hoursLikely > 2 * HOURS_OF_YEAR) return `${Math.round(hoursLikely / HOURS_OF_YEAR)} years`;
  return hoursLikely < 0.1 ? 'minutes' : formatLength(hoursLikely * HOUR_MS);
}

function finds({ metric, detectable, expected }: CheckPreview, plan: Plan): string {
  if (detectable === null) return NOTHING;
  const { ratio, value } = detectable;
  if (ratio === null || expected !== undefined) return formatMeasured(value, unitOf(metric, plan.metrics));
  // Where lower is worse, harm divides.
  const times = plan.metrics[metric]?.harm === 'lower' ? 1 / ratio : ratio;
  return `${Number(times.toPrecision(2))}x`;
}

/** What would let the gate tell in time, ready to be written into the plan. */
function proposalOf({ proposal }: StagePreview, width: number, paint: Paint): readonly string[] {
  if (proposal === undefined) return [];
  const { recommended, changes, why } = proposal;
  const others = changes.filter((change) => change !== recommended);
  const first = recommended === null ? why : `${recommended.text}  (${why})`;
  return [
    `    ${paint.green('→')} ${wrap(first, width - 6, '      ')}`,
    ...others.map(({ text }) => `      ${wrap(`or ${text}`, width - 6, '      ')}`),
  ];
}

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
        { title: 'PASS NEEDS', keep: 3, cell: needed },
        { title: 'LIKELY IN', cell: time },
        { title: 'BY THE END', keep: 4, cell: ({ passChance }) => formatChance(passChance) },
        { title: 'FINDS', keep: 1, cell: (check) => finds(check, plan) },
        { title: 'VALIDITY', keep: 0, cell: ({ validity }) => validity },
      ],
      below: ({ why, method }) => oneLine(why === undefined ? method : `${method}; ${why}`),
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
  const outcome = isLast
    ? 'nothing waits for a pass here: the last stage has to stay free of failures'
    : `if the gate fails: ${planned.onFail}; undecided: ${planned.onInconclusive}`;
  const isBare = stage.checks.length === 0 && planned.confirmations.length === 0;
  return [
    `${paint.bold(`${index + 1}. ${oneLine(stage.name)}`)}  ${paint.cyan(formatShare(planned))}, ${length}${daily}`,
    `  ${paint.dim(wrap(dates(stage), width - 2, '  '))}`,
    ...(isBare ? ['  no gate'] : []),
    ...(stage.checks.length > 0 ? [checksOf(stage, plan, width, paint)] : []),
    ...planned.confirmations.map((text) => `  confirm: ${oneLine(text)}`),
    `  ${paint.dim(outcome)}`,
    ...stage.warnings.map((text) => `  ${paint.yellow('!')} ${wrap(oneLine(text), width - 4, '    ')}`),
    ...proposalOf(stage, width, paint),
  ].join('\n');
}

/** What a plan would do: dates, gates and the evidence each needs, what to change, what harm costs, false aborts. */
export function renderPlan(plan: Plan, preview: PlanPreview, width: number, paint: Paint): string {
  const stages = preview.stages.map((stage, index) => stageBlock(stage, index, plan, width, paint));
  const ofStages = new Set(preview.stages.flatMap(({ warnings }) => warnings));
  const others = preview.warnings
    .filter((text) => !ofStages.has(text))
    .map((text) => `${paint.yellow('!')} ${wrap(oneLine(text), width - 2, '  ')}`);
  return [
    `${paint.bold(oneLine(plan.title))}\n${header(plan, preview, width)}`,
    ...stages,
    [renderHarm(plan, preview, width, paint), ...others].join('\n'),
  ].join('\n\n');
}
