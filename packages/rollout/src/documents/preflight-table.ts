import { describeDrill, runningDrill } from '../decide/decide-drill.ts';
import type { RolloutState } from '../state.ts';
import { nameOf } from './describe-event.ts';
import type { DocumentOptions } from './format.ts';
import { type Block, instant, line, NONE, said, tableOf, text } from './page.ts';
import type { Trace } from './trace.ts';

/** How the last drill went: `Rollback drill: off in 0.4 s in 12 of 12 SDKs`; `undefined` before the first. */
function drillBlock(state: RolloutState, trace: Trace): Block | undefined {
  const last = state.drills?.at(-1);
  if (last === undefined || runningDrill(state)) return undefined;
  const from = trace.of((one) => one.drills);
  return text('Rollback ', { ...said(describeDrill(last), from), rule: 'difference' }, '.');
}

const COLUMNS = { item: 'Pre-flight', given: 'Given', by: 'By', evidence: 'Evidence' };

/** What pre-flight rests on: each item, who gave it when, and on what evidence; none before the start. */
export function preflightBlocks(
  state: RolloutState,
  options: DocumentOptions,
  trace: Trace,
): readonly (Block | undefined)[] {
  const rows = Object.entries(state.preflight).map(([item, given]) => {
    const from = trace.of((one) => one.preflight[item]);
    const name = [
      said(
        item,
        trace.all(
          (one) => one.plan,
          (one) => one.preflight[item],
        ),
      ),
    ];
    if (given === null) {
      const why = state.preflightFailures?.[item]?.why;
      const failed = trace.of((one) => one.preflightFailures?.[item]);
      return { item: name, given: line('open'), by: NONE, evidence: why === undefined ? NONE : [said(why, failed)] };
    }
    const evidence = [given.evidence, given.note].filter((one) => one !== undefined).join('; ') || 'none';
    return {
      item: name,
      given: [instant(given.at, from, options)],
      by: [said(nameOf(given.by), from)],
      evidence: line(given.waived ? 'waived: ' : '', said(evidence, from)),
    };
  });
  if (rows.length === 0) return [];
  return [tableOf(COLUMNS, rows), drillBlock(state, trace)];
}
