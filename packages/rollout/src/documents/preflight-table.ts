import { describeDrill, runningDrill } from '../decide/decide-drill.ts';
import type { RolloutState } from '../state.ts';
import { nameOf } from './describe-event.ts';
import { type DocumentOptions, formatInstant, NOTHING } from './format.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';

/** How the last drill went: `Rollback drill: off in 0.4 s in 12 of 12 SDKs`, as Markdown; `undefined` before the first. */
function drillLine(state: RolloutState): string | undefined {
  const last = state.drills?.at(-1);
  if (last === undefined || runningDrill(state)) return undefined;
  return `Rollback ${escapeMarkdown(describeDrill(last))}.`;
}

/** What pre-flight rests on: each item, who gave it when, and on what evidence. Blocks of Markdown; none before the start. */
export function preflightBlocks(state: RolloutState, { timeZone }: DocumentOptions): readonly string[] {
  const rows = Object.entries(state.preflight).map(([item, given]) => {
    const why = state.preflightFailures?.[item]?.why;
    if (given === null) return [escapeMarkdown(item), 'open', NOTHING, escapeMarkdown(why ?? NOTHING)];
    const evidence = [given.evidence, given.note].filter((text) => text !== undefined).join('; ') || 'none';
    const waived = given.waived ? 'waived: ' : '';
    const by = escapeMarkdown(nameOf(given.by));
    return [escapeMarkdown(item), formatInstant(given.at, timeZone), by, escapeMarkdown(`${waived}${evidence}`)];
  });
  if (rows.length === 0) return [];
  const drill = drillLine(state);
  return [markdownTable(['Pre-flight', 'Given', 'By', 'Evidence'], rows), ...(drill === undefined ? [] : [drill])];
}
