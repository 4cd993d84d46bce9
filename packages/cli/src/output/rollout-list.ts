import type { RolloutView } from '@rampart/api';
import { currentStageName, formatElapsed } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatLayers } from './format.ts';
import { renderTable } from './table.ts';
import { oneLine } from './text.ts';

function phase({ state }: RolloutView): string {
  const also = [state.killed ? 'killed' : '', state.hold ? 'held' : '', state.blindSince === undefined ? '' : 'blind'];
  return [state.phase, ...also.filter((word) => word !== '')].join(', ');
}

/** Rollouts, one a line. */
export function renderRollouts(views: readonly RolloutView[], width: number, paint: Paint): string {
  return renderTable<RolloutView>(
    {
      rows: views,
      columns: [
        { title: 'ROLLOUT', cell: ({ state }) => state.id },
        { title: 'FLAG', cell: ({ state }) => oneLine(state.plan.flag) },
        { title: 'PHASE', cell: phase },
        { title: 'STAGE', cell: ({ state }) => oneLine(currentStageName(state)) },
        { title: 'EXPOSED', keep: 4, cell: ({ state }) => formatLayers(state.layers) },
        { title: 'ATTEMPT', keep: 2, cell: ({ state }) => String(state.attempt) },
        { title: 'AGE', keep: 3, cell: ({ state, now }) => formatElapsed(now - state.createdAt) },
        { title: 'WAITING FOR', keep: 1, cell: ({ waitingFor }) => oneLine(waitingFor[0] ?? '') },
      ],
    },
    width,
    paint,
  );
}
