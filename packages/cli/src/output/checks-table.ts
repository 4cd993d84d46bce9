import { type MetricSnapshot, type RolloutState, unitOf, type Verdict, type VerdictStatus } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatCount, formatMeasured, NOTHING, withReadableTimes } from './format.ts';
import { renderTable } from './table.ts';
import { oneLine, wrap } from './text.ts';

const MARKS: Readonly<Record<VerdictStatus, string>> = {
  pass: '✔',
  fail: '✖',
  inconclusive: '~',
  insufficient: '…',
  'no-data': '?',
  error: '!',
};

function paintOf(status: VerdictStatus, paint: Paint): (text: string) => string {
  if (status === 'pass') return paint.green;
  if (status === 'fail' || status === 'error') return paint.red;
  return status === 'no-data' ? paint.magenta : paint.yellow;
}

const counts = ({ treatmentCount, controlCount }: Verdict): string =>
  controlCount > 0 ? `${formatCount(treatmentCount)} / ${formatCount(controlCount)}` : formatCount(treatmentCount);

function below({ note, wouldChange }: Verdict): string {
  const more = note === undefined || wouldChange.includes(note) ? '' : ` (${note})`;
  return withReadableTimes(oneLine(`changes with: ${wouldChange}${more}`));
}

/** What fails comes first, then what the stage waits for, then what could end it. */
function inOrder(verdicts: readonly Verdict[]): readonly Verdict[] {
  const tiers: readonly Verdict['tier'][] = ['gate', 'abort', 'kill', 'alert'];
  const rank = ({ status, tier }: Verdict) => (status === 'fail' ? 0 : 10) + tiers.indexOf(tier);
  return verdicts.toSorted((left, right) => rank(left) - rank(right));
}

/**
 * Every check judged now: what was measured, what it is held against, how sure, and what would change it. Alerts that do
 * not fire are only named.
 */
export function renderChecks(verdicts: readonly Verdict[], state: RolloutState, width: number, paint: Paint): string {
  const isQuiet = ({ tier, status }: Verdict) => tier === 'alert' && status !== 'fail';
  const quiet = verdicts.filter(isQuiet).map(({ metric, limit }) => oneLine(`${metric} ${limit}`));
  const table = renderTableOf(inOrder(verdicts.filter((verdict) => !isQuiet(verdict))), state, width, paint);
  return quiet.length === 0
    ? table
    : `${table}\n${paint.dim(wrap(`alerts not firing: ${quiet.join(', ')}`, width, '  '))}`;
}

function renderTableOf(verdicts: readonly Verdict[], state: RolloutState, width: number, paint: Paint): string {
  const unit = (verdict: Verdict) => unitOf(verdict.metric, state.plan.metrics);
  const verdictCell = ({ status }: Verdict) => paintOf(status, paint)(`${MARKS[status]} ${status}`);
  return renderTable<Verdict>(
    {
      rows: verdicts,
      columns: [
        { title: 'CHECK', cell: ({ metric }) => oneLine(metric) },
        { title: 'TIER', cell: ({ tier }) => tier },
        { title: 'VERDICT', cell: verdictCell },
        { title: 'VALUE', cell: (verdict) => formatMeasured(verdict.value, unit(verdict)) },
        { title: 'LIMIT', cell: ({ limit }) => oneLine(limit) },
        {
          title: 'REFERENCE',
          keep: 4,
          cell: (verdict) =>
            verdict.reference
              ? `${verdict.reference.kind} ${formatMeasured(verdict.reference.value, unit(verdict))}`
              : NOTHING,
        },
        {
          title: 'INTERVAL 95 %',
          keep: 3,
          cell: (verdict) =>
            verdict.interval
              ? `${formatMeasured(verdict.interval[0], unit(verdict))} to ${formatMeasured(verdict.interval[1], unit(verdict))}`
              : NOTHING,
        },
        { title: 'N', keep: 2, cell: counts },
        { title: 'VALIDITY', keep: 1, cell: ({ validity }) => validity },
      ],
      below,
    },
    width,
    paint,
  );
}

/** What was observed of each metric in a stage that ended. */
export function renderMetrics(
  metrics: readonly MetricSnapshot[],
  state: RolloutState,
  width: number,
  paint: Paint,
): string {
  const measured = (value: number | undefined, { metric }: MetricSnapshot) =>
    formatMeasured(value, unitOf(metric, state.plan.metrics));
  return renderTable<MetricSnapshot>(
    {
      rows: metrics,
      columns: [
        { title: 'METRIC', cell: ({ metric }) => oneLine(metric) },
        { title: 'VERDICT', cell: ({ status }) => paintOf(status, paint)(`${MARKS[status]} ${status}`) },
        { title: 'VALUE', cell: (row) => measured(row.observed, row) },
        { title: 'CONTROL', keep: 3, cell: (row) => measured(row.control, row) },
        { title: 'BASELINE', keep: 1, cell: (row) => measured(row.baseline, row) },
        { title: 'N', keep: 2, cell: ({ count }) => formatCount(count) },
      ],
    },
    width,
    paint,
  );
}
