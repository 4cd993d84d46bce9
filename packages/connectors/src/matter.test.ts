import { describe, expect, it } from 'vitest';
import { attemptOf, isOwedToPagers, matterChangeOf, matterKey } from './matter.ts';
import { messageOf } from './notification.test.support.ts';

const changeOf = (type: string, data = {}, group = 'rollout/r1/2') => {
  const { opens, closes, sweeps } = matterChangeOf(messageOf({ type, data, group }));
  return { opens: opens && matterKey(opens), closes: closes.map(matterKey), sweeps: sweeps.map((one) => one.group) };
};

describe('matters', () => {
  it('gives the abort of an attempt the key of the attempt, opened by the abort and closed with its incident', () => {
    expect(changeOf('rollout.aborted').opens).toBe('rollout/r1/2');
    expect(changeOf('incident.resolved').closes).toContain('rollout/r1/2');
    expect(changeOf('rollout.cancelled').closes).toContain('rollout/r1/2');
  });

  it('ends the attempt before when a new one begins, never the new one', () => {
    expect(changeOf('attempt.started')).toEqual({
      opens: undefined,
      closes: ['rollout/r1/1'],
      sweeps: ['rollout/r1/1'],
    });
    expect(changeOf('attempt.started', {}, 'rollout/r1/1')).toEqual({ opens: undefined, closes: [], sweeps: [] });
  });

  it.each([
    ['sight.lost', 'sight.returned', {}, 'rollout/r1/2/sight-lost'],
    ['alert.raised', 'alert.cleared', { check: 'c' }, 'rollout/r1/2/alert/c'],
    ['approval.needed', 'approval.given', { proposal: 3 }, 'rollout/r1/2/approval/3'],
    ['data.invalid', 'data.valid', {}, 'rollout/r1/2/data-invalid'],
    ['kill-switch.tripped', 'kill-switch.rearmed', {}, 'rollout/r1/2/kill-switch'],
    ['abort.unconfirmed', 'abort.took-effect', {}, 'rollout/r1/2/abort-unconfirmed'],
    ['incident.unattended', 'incident.assigned', {}, 'rollout/r1/2/incident-unattended'],
  ])('opens with %s and closes with %s, apart from the abort', (opening, closing, data, key) => {
    expect(changeOf(opening, data).opens).toBe(key);
    expect(changeOf(closing, data).closes).toEqual([key]);
  });

  it('sweeps what cannot be true any more in the next stage, or once the incident is resolved', () => {
    const swept = (type: string) => matterChangeOf(messageOf({ type })).sweeps.flatMap(({ topics }) => topics);
    expect(swept('stage.entered')).toContain('sight-lost');
    expect(swept('incident.resolved')).toContain('stuck');
    // A retry may wait for it.
    expect(swept('incident.resolved')).not.toContain('approval');
  });

  it.each([
    ['stage.entered', true],
    ['stage.passed', true],
    ['monitoring.started', true],
    ['attempt.started', true],
    ['approval.given', true],
    ['rollout.aborted', false],
    ['rollout.stuck', false],
    ['issue.added', false],
    ['digest', false],
  ])('owes %s to pagers whatever their routes say: %s', (type, isOwed) => {
    expect(isOwedToPagers(messageOf({ type, group: 'rollout/r1/1' }))).toBe(isOwed);
  });

  it('sees no matter in what is only news', () => {
    expect(changeOf('issue.added')).toEqual({ opens: undefined, closes: [], sweeps: [] });
  });

  it('reads the attempt of a group, also of a rollout with slashes in its id', () => {
    expect(attemptOf({ group: 'rollout/a/b/3' })).toBe(3);
    expect(attemptOf({ group: 'digest' })).toBeUndefined();
  });
});
