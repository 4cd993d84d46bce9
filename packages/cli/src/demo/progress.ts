import type { RolloutView } from '@rampart/api';
import { currentStageName, describeEvent, type EventRecord, servedMs, unitOf, type Verdict } from '@rampart/rollout';
import { formatCount, formatLayers, formatMeasured } from '../output/format.ts';
import { renderStageBar } from '../output/stage-bar.ts';
import { cut, padEnd, wrap } from '../output/text.ts';
import type { Paint } from '../session.ts';

const MARKS: Readonly<Record<Verdict['status'], string>> = {
  pass: '✔',
  fail: '✖',
  inconclusive: '~',
  insufficient: '…',
  'no-data': '?',
  error: '!',
};
const FLAG_WIDTH = 16;
const TIME_WIDTH = 8;

/** An event as a line of the demo; `at` is the time since the demo began. Absent for judgements: the board tells them. */
export function eventLine(record: EventRecord, view: RolloutView, atMs: number, width: number): string | undefined {
  if (record.event.type === 'ChecksJudged') return undefined;
  const { flag, metrics } = view.state.plan;
  return told(atMs, flag, describeEvent(record, metrics), width);
}

/** How a rollout stands, as one line for logs. */
export function statusLine(view: RolloutView, atMs: number, width: number): string {
  const { state, now } = view;
  const served =
    state.stage === undefined ? '' : ` ${seconds(servedMs(state, now))} of ${seconds(state.stage.durationMs)} s`;
  const where = `${currentStageName(state)}${served}, exposed: ${formatLayers(state.layers)}`;
  const checks = state.phase === 'baseline' ? '' : `: ${checksOf(view)}`;
  return told(atMs, state.plan.flag, `· ${where}${checks}`, width);
}

/** How all rollouts stand, to be redrawn in place. No line is wider than `width`. */
export function boardOf(views: readonly RolloutView[], load: string, width: number, paint: Paint): string {
  const blocks = views.map((view) => {
    const { state, now, judgement, waitingFor } = view;
    const people = judgement === undefined ? 0 : judgement.people.treatment + judgement.people.targeted;
    const title = `${state.plan.title} · ${state.phase} · ${formatLayers(state.layers)} · ${formatCount(people)} people so far`;
    const isOver = state.phase === 'complete' || state.phase === 'aborted';
    const waits = isOver || waitingFor.length === 0 ? '' : `waits for ${waitingFor.join('; ')}`;
    return [
      paint.bold(cut(title, width)),
      renderStageBar(state, now, width, paint),
      cut(checksOf(view), width),
      paint.dim(cut(waits, width)),
    ].join('\n');
  });
  return [paint.dim('─'.repeat(width)), ...blocks, paint.dim(cut(load, width))].join('\n');
}

/** The checks of a rollout in one line, each metric once: the strictest word on it. */
function checksOf({ state, judgement }: RolloutView): string {
  const worst = new Map<string, Verdict>();
  for (const verdict of judgement?.verdicts ?? []) {
    const known = worst.get(verdict.metric);
    if (known === undefined || rankOf(verdict) > rankOf(known)) worst.set(verdict.metric, verdict);
  }
  const parts = [...worst.values()].map(({ metric, status, value }) => {
    const measured = value === undefined ? '' : ` ${formatMeasured(value, unitOf(metric, state.plan.metrics))}`;
    return `${MARKS[status]} ${metric}${measured}`;
  });
  return parts.join('  ');
}

function rankOf({ status }: Verdict): number {
  return ['pass', 'insufficient', 'inconclusive', 'no-data', 'error', 'fail'].indexOf(status);
}

function told(atMs: number, flag: string, text: string, width: number): string {
  const lead = `${`${seconds(atMs)} s`.padStart(TIME_WIDTH)}  ${padEnd(flag, FLAG_WIDTH)}  `;
  return lead + wrap(text, width - lead.length).replaceAll('\n', `\n${' '.repeat(lead.length)}`);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
