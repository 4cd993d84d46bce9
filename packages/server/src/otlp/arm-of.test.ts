import { type Plan, parsePlan } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { placeOf, type ReadingRollout } from './arm-of.ts';
import type { PastExposure } from './exposure-log.ts';

const parsed = parsePlan(`
flag: checkout
stages: [ { name: canary, percentage: 10, duration: 48h }, { name: ga, percentage: 100, duration: permanent } ]
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`);
if (!parsed.ok) throw new Error('the plan of the test has errors');
const plan: Plan = parsed.plan;

const split = { weight: 10_000 };
const team = { segment: 'team', weight: 100_000 };
const exposure = (fromAt: number, epoch: number, layers: PastExposure['layers']): PastExposure => ({
  fromAt,
  epoch,
  attempt: 1,
  layers,
});
/** Baseline from 100, 10 % from 200, 50 % from 300, nobody from 400. */
const EXPOSURES = [
  exposure(100, 0, []),
  exposure(200, 1, [split]),
  exposure(300, 2, [{ weight: 50_000 }]),
  exposure(400, 3, []),
];
const rollout = (exposures: readonly PastExposure[]): ReadingRollout => ({ id: 'r', plan, exposures });

function placed(
  said: Readonly<Record<string, string | number>>,
  fromAt: number,
  toAt: number,
  exposures: readonly PastExposure[] = EXPOSURES,
) {
  const attributes = new Map(Object.entries({ 'feature_flag.key': 'checkout', ...said }));
  const place = placeOf(attributes, [rollout(exposures)], { fromAt, toAt });
  if (place === undefined || 'why' in place) return place?.why;
  const { arm, epoch, stratum, bucket, isMixed } = place;
  return `${arm} ${epoch}/${stratum}${bucket < 0 ? '' : ` bucket ${bucket}`}${isMixed ? ' mixed' : ''}`;
}
const on = { 'feature_flag.result.variant': 'on' };
const off = { 'feature_flag.result.variant': 'off' };

describe('where observations belong', () => {
  it('is the arm of their variant in the exposure they began in', () => {
    expect(placed(on, 210, 220)).toBe('treatment 1/10000');
    expect(placed(off, 310, 320)).toBe('control 2/50000');
  });

  it('is said by the deprecated attributes as well', () => {
    expect(placed({ 'feature_flag.variant': 'on', 'feature_flag.evaluation.reason': 'SPLIT' }, 210, 220)).toBe(
      'treatment 1/10000',
    );
  });

  it('is nowhere without the flag of a rollout', () => {
    expect(placed({ ...on, 'feature_flag.key': 'other' }, 210, 220)).toBeUndefined();
    expect(placeOf(new Map([['x', 1]]), [rollout(EXPOSURES)], { fromAt: 210, toAt: 220 })).toBeUndefined();
  });

  it('is not known of a variant that the plan does not have, or before anything was measured', () => {
    expect(placed({ 'feature_flag.result.variant': 'blue' }, 210, 220)).toBe(
      'flag checkout comes with variant "blue"; its rollout knows "on" and "off"',
    );
    expect(placed({}, 210, 220)).toContain('no feature_flag.result.variant');
    expect(placed(on, 50, 220)).toContain('before its rollout measured anything');
  });

  it('is control while nobody is exposed; who still has the treatment is in neither arm', () => {
    expect(placed(off, 110, 120)).toBe('control 0/0');
    expect(placed(on, 410, 420)).toBeUndefined();
  });
});

describe('an interval that runs into the next exposure', () => {
  it('counts for the one it began in, and no rate is read from it', () => {
    expect(placed(on, 290, 310)).toBe('treatment 1/10000 mixed');
    expect(placed(on, 390, 410)).toBe('treatment 2/50000 mixed');
    expect(placed(off, 150, 250)).toBe('control 0/0 mixed');
  });

  it('counts for the one it ran into where nobody had the treatment before', () => {
    expect(placed(on, 150, 250)).toBe('treatment 1/10000 mixed');
  });

  it('is no such where it ends as the next begins', () => {
    expect(placed(on, 290, 300)).toBe('treatment 1/10000');
  });
});

describe('an audience beside a random split', () => {
  const both = [exposure(100, 1, [team, split])];

  it('is told apart by the reason of the evaluation', () => {
    expect(placed({ ...on, 'feature_flag.result.reason': 'split' }, 110, 120, both)).toBe('treatment 1/10000');
    expect(placed({ ...on, 'feature_flag.result.reason': 'targeting_match' }, 110, 120, both)).toBe(
      'targeted 1/100000',
    );
    expect(placed({ ...off, 'feature_flag.result.reason': 'default' }, 110, 120, both)).toBeUndefined();
  });

  it('cannot be told apart without it, and says so', () => {
    expect(placed(on, 110, 120, both)).toBe(
      'flag checkout: the audience and the random split cannot be told apart; add feature_flag.result.reason',
    );
  });

  it('needs no reason where there is no split', () => {
    expect(placed(on, 110, 120, [exposure(100, 1, [team])])).toBe('targeted 1/100000');
    expect(placed(off, 110, 120, [exposure(100, 1, [team])])).toBeUndefined();
  });

  it('with another share needs the stratum', () => {
    const two = [exposure(100, 1, [split, { segment: 'eu', weight: 25_000 }])];
    expect(placed(on, 110, 120, two)).toContain('audiences have different shares; add rampart.stratum');
    expect(placed({ ...on, 'rampart.arm': 'treatment', 'rampart.stratum': 25_000 }, 110, 120, two)).toBe(
      'treatment 1/25000',
    );
  });
});

describe('the attributes of Rampart', () => {
  it('give bucket, epoch, stratum and arm exactly', () => {
    const said = {
      ...on,
      'rampart.bucket': 7,
      'rampart.epoch': 1,
      'rampart.arm': 'treatment',
      'rampart.stratum': 10_000,
    };
    expect(placed(said, 290, 310)).toBe('treatment 1/10000 bucket 7');
  });

  it('are left aside where they cannot be true', () => {
    const said = { ...on, 'rampart.bucket': 64, 'rampart.epoch': 9, 'rampart.arm': 'treatment', 'rampart.stratum': 77 };
    expect(placed(said, 210, 220)).toBe('treatment 1/10000');
  });
});
