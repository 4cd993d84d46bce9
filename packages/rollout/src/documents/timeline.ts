import type { EventRecord } from '../event.ts';
import type { RolloutState } from '../state.ts';
import { describeEvent } from './describe-event.ts';
import type { DocumentOptions } from './format.ts';
import { type Block, count, instant, line, said } from './page.ts';
import { foldSight, newsOf } from './records.ts';

/** What happened, in order: judgements that bring no news are left out, and losses of sight in a row are one line. */
export function timelineBlock(records: readonly EventRecord[], state: RolloutState, options: DocumentOptions): Block {
  const items = foldSight(newsOf(records)).map(({ record, more }) => {
    const from = [record.version];
    const again =
      more === 0 ? [] : [' (lost and back ', count(more, from, 'number-of'), ` ${more === 1 ? 'time' : 'times'} more)`];
    return {
      lead: [instant(record.at, from, options)],
      line: line({ ...said(describeEvent(record, state.plan.metrics), from), rule: 'sum' }, ...again),
    };
  });
  return { kind: 'list', items };
}
