import { type RolloutView, TOKEN_KINDS, type TokenKind } from '@rampart/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, liveUntil, type Rig, startRig, startRollout } from '../server-rig.test.support.ts';
import { allowedActions } from './allowed-actions.ts';
import { rolesPage } from './roles-page.ts';

/** What an action has to be for a row of the page. */
const ROWS: Readonly<Record<string, (action: string) => boolean>> = {
  'create, start, resume, propose proceed and retry': (action) =>
    ['rollout_start', 'rollout_pace resume', 'rollout_advance proceed', 'rollout_advance retry'].includes(action),
  'give items, decide proposals': (action) => action.startsWith('rollout_approve'),
  'take the baseline anew': (action) => action === 'rollout_baseline_capture',
  'hold, extend': (action) => ['rollout_pace hold', 'rollout_pace extend'].includes(action),
  'abort, kill': (action) => ['rollout_abort abort', 'rollout_abort kill'].includes(action),
  cancel: (action) => action === 'rollout_abort cancel',
  'work on incidents': (action) => action === 'rollout_incident_write',
  'add and change issues': (action) => action.startsWith('rollout_issue_write'),
};

let r: Rig;
const views: RolloutView[] = [];
beforeAll(async () => {
  r = await startRig();
  const keep = async () => void views.push(await r.admin.getRollout('checkout-1'));
  await startRollout(r);
  await liveUntil(r, 'checkout-1', 'exposing');
  for (let step = 0; step < 3; step += 1) await live(r);
  await r.admin.command('checkout-1', { type: 'AddIssue', title: 'one', severity: 'minor' });
  await keep();
  await r.admin.command('checkout-1', { type: 'Hold', reason: 'lunch' });
  await keep();
  await r.admin.command('checkout-1', { type: 'Abort', reason: 'enough' });
  await r.admin.command('checkout-1', { type: 'RecordFix', incident: 1, text: 'fixed' });
  r.clock.advance(3_600_000);
  await keep();
});
afterAll(() => r.dispose());

/** Actions that a person with a token of this kind may take in one of the views, each as tool and choice. */
function actionsOf(kind: TokenKind): readonly string[] {
  const all = views.flatMap((view) => allowedActions(view, { kind, name: 'ana', principal: 'person' }));
  return all.map(({ tool, arguments: { action, how } }) => [tool, ...[action ?? how ?? []].flat()].join(' '));
}

describe('the page of roles', () => {
  const [head = '', , ...rows] = rolesPage()
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const cells = (line: string) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1);
  const kinds = cells(head).slice(2);

  it('has every kind of token that may read', () => {
    expect(kinds.toSorted()).toEqual(
      TOKEN_KINDS.filter((kind) => kind !== 'sdk-server' && kind !== 'ingest').toSorted(),
    );
  });

  it.each(Object.entries(ROWS))('says of "%s" what the core decides', (what, isOfRow) => {
    const row = rows.map(cells).find(([name]) => name === what) ?? [];
    const said = kinds.filter((_, i) => row[i + 2] === 'yes');
    const may = kinds.filter((kind) => actionsOf(kind as TokenKind).some(isOfRow));
    expect([what, may]).toEqual([what, said]);
  });
});
