import { type HarmForecast, type Plan, type PlanPreview, unitOf } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatCount, formatLength, formatMeasured, NOTHING } from './format.ts';
import { renderTable } from './table.ts';
import { oneLine, wrap } from './text.ts';

type Guard = PlanPreview['guards'][number];
type Row = { readonly metric: string; readonly limit: string; readonly what: string; readonly harms: Guard['harms'] };

const HOUR_MS = 3_600_000;
/** A chance this high is not worth a word. */
const SURE = 0.99;

/** A chance in [0, 1] for people: `80 %`, `0.3 %`, `under 0.1 %`. */
export function formatChance(chance: number | null): string {
  if (chance === null) return NOTHING;
  if (chance > 0 && chance < 0.001) return 'under 0.1 %';
  if (chance > SURE && chance < 1) return 'over 99 %';
  return `${Number((100 * chance).toPrecision(2))} %`;
}

function amountOf(excess: number, metric: string, plan: Plan): string {
  const unit = unitOf(metric, plan.metrics);
  return unit === 'USD' ? formatMeasured(excess, unit) : formatCount(excess);
}

function harmCell(harm: HarmForecast | undefined, metric: string, plan: Plan): string {
  if (harm === undefined) return NOTHING;
  if (harm.isAllowed) return 'within the limit';
  if (harm.hours === null) return `${formatChance(harm.chance)} found`;
  const time = harm.hours < 0.1 ? 'minutes' : formatLength(harm.hours * HOUR_MS);
  const chance = harm.chance > SURE ? '' : ` (${formatChance(harm.chance)})`;
  return `${amountOf(harm.excess, metric, plan)} in ${time}${chance}`;
}

function detectableLine({ what, harms }: Row): string {
  const last = harms.find(({ isAllowed, people }) => !isAllowed && people !== null);
  const people = last?.people == null ? '' : `; ${last.ratio}x meets ${formatCount(last.people)} people`;
  return `${what}${people}`;
}

const familyChance = (chance: number, scope: string): string =>
  chance === 1 ? '100 %, as today is beyond a limit' : `${formatChance(chance)} at most${scope}`;

function falseAbortLine({ falseAborts }: PlanPreview): string {
  const { comparisons, killTrips, plainRules, telemetryMissing, total } = falseAborts;
  const parts = [
    `comparisons of gates and abort criteria ${familyChance(comparisons, ', all together')}`,
    ...(killTrips > 0 ? [`of kill trips ${familyChance(killTrips, '')}`] : []),
    `plain rules ${plainRules === null ? 'not known: give the baselines' : formatChance(plainRules)}`,
    `missing telemetry ${formatChance(telemetryMissing)}`,
  ];
  return `A harmless feature is stopped with a chance of at most ${formatChance(total)}: ${parts.join(', ')}.`;
}

function rowsOf(plan: Plan, { guards, stages }: PlanPreview): readonly Row[] {
  const ofGuards = guards.map(({ metric, limit, tier, harms }) => ({
    metric,
    limit,
    what: tier === 'kill' ? 'kill trip' : 'abort criterion',
    harms,
  }));
  const known = new Set(ofGuards.map(({ metric, limit }) => `${metric} ${limit}`));
  // A gate that repeats an abort criterion adds nothing here; the last stage has its abort criteria.
  const ofGates = stages
    .slice(0, plan.stages.length - 1)
    .flatMap(({ name, checks }) =>
      checks
        .filter(({ metric, limit }) => !known.has(`${metric} ${limit}`))
        .map(({ metric, limit, harms }) => ({ metric, limit, what: `gate of ${name}`, harms })),
    );
  return [...ofGuards, ...ofGates].filter(({ harms }) => harms.length > 0);
}

/** What harm of three sizes costs until it is found, and how often a harmless feature is stopped. */
export function renderHarm(plan: Plan, preview: PlanPreview, width: number, paint: Paint): string {
  const rows = rowsOf(plan, preview);
  const ratios = rows[0]?.harms.map(({ ratio }) => ratio) ?? [];
  const table = renderTable<Row>(
    {
      rows,
      columns: [
        { title: 'HARM', cell: ({ metric }) => oneLine(metric) },
        { title: 'LIMIT', cell: ({ limit }) => limit },
        ...ratios.map((ratio, index) => ({
          title: `${ratio}x TODAY`,
          keep: index,
          cell: ({ metric, harms }: Row) => harmCell(harms[index], metric, plan),
        })),
      ],
      below: detectableLine,
    },
    width - 2,
    paint,
  );
  const about =
    'What harm costs until a check finds it: bad observations beyond today’s (or events, or the sum), and exposed time.';
  const harm =
    rows.length === 0 ? [] : [`${paint.bold('Harm')}  ${wrap(about, width - 6, '  ')}`, table.replaceAll(/^/gm, '  ')];
  return [...harm, `${paint.bold('False aborts')}  ${wrap(falseAbortLine(preview), width - 14, '  ')}`].join('\n');
}
