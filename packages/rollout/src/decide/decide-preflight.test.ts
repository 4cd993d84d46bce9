import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BEN, Drive, HOUR_MS, planOf, VIEWER } from '../arbitraries.contract.ts';
import type { PreflightFinding } from '../command.ts';
import { describeEvent } from '../documents/describe-event.ts';
import { renderReport } from '../documents/report.ts';
import { RAMPART } from '../principal.ts';
import { isLink, isReference, missingPreflight } from './preflight-items.ts';

const LINK = 'https://wiki.example.com/launch';

function started(...preflight: NonNullable<Parameters<typeof planOf>[0]>['preflight'] & object): Drive {
  const drive = new Drive(planOf({ preflight }));
  drive.command({ type: 'Start' });
  return drive;
}

const refused = (code: string) => ({ ok: false, code });

describe('evidence', () => {
  it.each([
    [undefined, false, false],
    ['', false, false],
    ['OK', false, false],
    ['done', false, false],
    ['--', false, false],
    ['OPS-12', false, true],
    ['docs/launch.md', false, true],
    ['ftp://x', false, true],
    [LINK, true, true],
    ['https://', false, true],
  ])('%j: link %s, reference %s', (text, link, reference) => {
    expect([isLink(text), isReference(text)]).toEqual([link, reference]);
  });

  it('is asked for as the item has it', () => {
    const drive = started('launch-readiness', 'dashboards-ready', 'rollback-tested', 'legal', {
      item: 'security',
      requires: 'evidence',
    });
    const give = (item: string, rest = {}) => drive.command({ type: 'Approve', item, ...rest }, BEN);
    for (const item of ['launch-readiness', 'dashboards-ready', 'rollback-tested', 'security']) {
      expect(give(item)).toMatchObject(refused('EVIDENCE_REQUIRED'));
    }
    expect(give('dashboards-ready', { evidence: 'OPS-1' })).toMatchObject(refused('EVIDENCE_REQUIRED'));
    expect(give('security', { evidence: 'OPS-1' })).toMatchObject(refused('EVIDENCE_REQUIRED'));
    expect(give('launch-readiness', { evidence: 'OPS-1' })).toMatchObject({ ok: true });
    expect(give('dashboards-ready', { evidence: LINK })).toMatchObject({ ok: true });
    expect(give('rollback-tested', { note: 'aborted on staging' })).toMatchObject({ ok: true });
    expect(give('legal')).toMatchObject({ ok: true });
    expect(drive.state.phase).toBe('preflight');
    expect(give('security', { evidence: LINK })).toMatchObject({ ok: true });
    expect(drive.state.phase).toBe('baseline');
  });

  it('may be waived by a person who may start, with a reason, as an override', () => {
    const drive = started('launch-readiness', 'legal');
    const waive = { type: 'Approve', item: 'launch-readiness', waive: true } as const;
    expect(drive.command(waive)).toMatchObject(refused('REASON_REQUIRED'));
    expect(drive.command({ ...waive, note: 'a demo' }, AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ ...waive, note: 'a demo' }, BEN)).toMatchObject(refused('FORBIDDEN'));
    expect(drive.command({ ...waive, item: 'legal', note: 'x' })).toMatchObject({ ok: true });
    expect(drive.state.overrides).toEqual([]);
    expect(drive.command({ ...waive, note: 'a demo' })).toMatchObject({ ok: true });
    expect(drive.state).toMatchObject({
      phase: 'baseline',
      preflight: { 'launch-readiness': { by: 'ana', note: 'a demo', waived: true } },
      overrides: [{ by: 'ana', reason: 'a demo' }],
    });
    const report = renderReport(drive.records, drive.state, { now: drive.now });
    expect(report).toMatch(/\| launch-readiness \| .* \| ana \| waived: a demo \|/);
    expect(drive.records.map((one) => describeEvent(one))).toContain(
      'ana waived the evidence of "launch-readiness": a demo',
    );
  });
});

describe('what Rampart finds', () => {
  const check = (drive: Drive, ...findings: readonly PreflightFinding[]) =>
    drive.command({ type: 'CheckPreflight', findings }, RAMPART);

  it('gives an item, and takes it back where it stops to hold', () => {
    const drive = started('launch-readiness', { item: 'dashboards-ready', url: LINK });
    check(drive, { item: 'dashboards-ready', evidence: 'it answered 200' });
    expect(drive.state.preflight['dashboards-ready']).toMatchObject({ by: 'rampart', evidence: 'it answered 200' });
    check(drive, { item: 'dashboards-ready', why: 'it answered 502' });
    expect(drive.state).toMatchObject({
      preflight: { 'dashboards-ready': null },
      preflightFailures: { 'dashboards-ready': { why: 'it answered 502' } },
    });
    expect(missingPreflight(drive.state)).toEqual([
      { item: 'launch-readiness', remedy: 'rampart approve r launch-readiness --evidence URL-OR-REFERENCE' },
      {
        item: 'dashboards-ready',
        why: 'it answered 502',
        remedy: `Rampart asks ${LINK} again by itself; it is given when it answers 2xx`,
      },
    ]);
  });

  it('is put on record once for the same reason, for items of the plan, and in pre-flight', () => {
    const drive = started('launch-readiness');
    const why = { item: 'launch-readiness', why: 'it answered 502' };
    check(drive, why, { item: 'unheard-of', why: 'x' });
    check(drive, why);
    expect(drive.all('PreflightItemFailed')).toEqual([{ type: 'PreflightItemFailed', ...why }]);
    expect(check(drive, why)).toMatchObject({ ok: true, events: [] });
    expect(drive.command({ type: 'CheckPreflight', findings: [] }, VIEWER)).toMatchObject(refused('FORBIDDEN'));
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: LINK });
    expect(drive.state.phase).toBe('baseline');
    expect(check(drive, { ...why, why: 'another' })).toMatchObject({ ok: true, events: [] });
  });

  it('may be the last that was missing: the baseline begins', () => {
    const drive = started({ item: 'dashboards-ready', url: LINK });
    check(drive, { item: 'dashboards-ready', evidence: 'it answered 200' });
    expect(drive.state.phase).toBe('baseline');
  });

  it('cannot be ticked away, but for what is bound to something else a person may waive it', () => {
    const drive = started('flag-configured', { item: 'dashboards-ready', url: LINK }, { item: 'launch', hook: 'l' });
    check(drive, { item: 'flag-configured', why: 'flag f is disabled' });
    const give = (item: string, waive?: true) =>
      drive.command({ type: 'Approve', item, evidence: LINK, note: 'why', ...(waive && { waive }) });
    for (const item of ['flag-configured', 'dashboards-ready', 'launch']) {
      expect(give(item)).toMatchObject(refused('ITEM_NOT_BY_HAND'));
    }
    expect(give('flag-configured', true)).toMatchObject(refused('ITEM_NOT_BY_HAND'));
    expect(give('dashboards-ready', true)).toMatchObject({ ok: true });
    check(drive, { item: 'dashboards-ready', why: 'it answered 502' });
    expect(drive.state.preflight['dashboards-ready']).toMatchObject({ waived: true });
    const hook = { id: 'hook:l', kind: 'agent', roles: ['approver'] } as const;
    const delivered = { type: 'Approve', item: 'launch', evidence: LINK } as const;
    expect(drive.command(delivered, { ...hook, id: 'hook:other' })).toMatchObject(refused('ITEM_NOT_BY_HAND'));
    expect(drive.command(delivered, hook)).toMatchObject({ ok: true });
  });

  it('ages: evidence that is too old is asked anew, and what is looked at again is renewed', () => {
    const drive = started(
      'legal',
      { item: 'security', requires: 'evidence', maxAge: '2h' },
      {
        item: 'dashboards-ready',
        url: LINK,
        maxAge: '2h',
      },
    );
    drive.command({ type: 'Approve', item: 'security', evidence: LINK }, BEN);
    const up = { item: 'dashboards-ready', evidence: 'it answered 200' };
    check(drive, up);
    drive.now += 3 * HOUR_MS;
    check(drive, up);
    expect(drive.state.preflight).toMatchObject({ security: null, 'dashboards-ready': { at: drive.now } });
    expect(drive.state.preflightFailures?.security?.why).toBe(
      'given 3 h ago by ben, and the plan wants it no older than 2 h',
    );
  });
});

describe('leaving pre-flight', () => {
  it('is refused with all that is missing, each with what helps', () => {
    const drive = started('launch-readiness', 'rollback-tested', { item: 'launch', hook: 'launches' });
    const expected = {
      ...refused('PREFLIGHT_INCOMPLETE'),
      message: expect.stringMatching(
        /"launch-readiness" \(rampart approve .*"rollback-tested" \(rampart drill r, or .*"launch" \(a signed delivery to POST \/v1\/hooks\/launches/,
      ),
    };
    expect(drive.command({ type: 'Proceed', reason: 'go' }, ANA)).toMatchObject(expected);
    expect(drive.command({ type: 'Start' }, ANA)).toMatchObject(expected);
  });
});
