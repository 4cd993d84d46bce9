import { describe, expect, it } from 'vitest';
import { bothArms, Drive, MINUTE_MS, planOf } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');

describe('blindness', () => {
  it('tells people after the limit, and rolls back only where the plan says so', () => {
    const drive = canary();
    drive.tick(30 * MINUTE_MS);
    drive.tick(30 * MINUTE_MS);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
    expect(drive.state.phase).toBe('exposing');
    const other = canary(planOf({ onBlind: 'rollback' }));
    other.tick(10 * MINUTE_MS);
    other.command({ type: 'Tick' }, RAMPART);
    other.tick(30 * MINUTE_MS);
    expect(other.state).toMatchObject({ phase: 'aborted', incidents: [{ kind: 'blind' }] });
  });

  it('counts a gap that was over before anyone looked as blind', () => {
    const drive = canary().serve(12 * MINUTE_MS);
    drive.tick(60 * MINUTE_MS, { series: bothArms(drive.state, 'errorRate', 0, 0) });
    expect(drive.all('SightReturned')).toHaveLength(1);
    expect(drive.state.stage).toMatchObject({ servedMs: 12 * MINUTE_MS, countingSince: drive.now });
  });

  it('does not trust a judgement from the future', () => {
    const drive = canary();
    const judgement = { ...drive.judgement!, at: drive.now + 1, telemetryMissing: 'x' };
    expect(drive.command({ type: 'Tick', judgement }, RAMPART)).toEqual({ ok: true, events: [] });
  });
});
