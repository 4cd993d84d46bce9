import { describe, expect, it } from 'vitest';
import { type CumulativePoint, KEEP_STREAM_MS, MOST_STREAMS, noStreams, StreamDraft } from './cumulative.ts';
import type { PointValue } from './point-value.ts';

const number = (value: number): PointValue => ({ kind: 'number', value });
const at = (time: number, value: number, change: Partial<CumulativePoint> = {}): CumulativePoint => ({
  stream: 's',
  metric: 'm',
  startAt: 100,
  at: time,
  value: number(value),
  ...change,
});
/** Takes points request by request, and gives what each added. */
function added(countFrom: number, ...points: readonly CumulativePoint[]): readonly unknown[] {
  let streams = noStreams();
  return points.map((point) => {
    const draft = new StreamDraft(streams);
    const advance = draft.take(point, countFrom);
    // As the store gives it back.
    streams = JSON.parse(JSON.stringify(draft.finish()));
    return advance.kind === 'increase' && advance.value.kind === 'number'
      ? [advance.value.value, advance.fromAt]
      : advance.kind;
  });
}

describe('a cumulative stream', () => {
  it('that began after its rollout began to measure counts in full, then by what it grows', () => {
    expect(added(50, at(200, 5), at(300, 8), at(400, 8))).toEqual([
      [5, 100],
      [3, 200],
      [0, 300],
    ]);
  });

  it('that is older counts from its first point on', () => {
    expect(added(150, at(200, 5), at(300, 8))).toEqual(['first', [3, 200]]);
  });

  it('whose start is not known counts from its first point on', () => {
    expect(added(50, at(200, 5, { startAt: 0 }), at(300, 8, { startAt: 0 }))).toEqual(['first', [3, 200]]);
  });

  it('that appears beside others of its metric and start, seen before, is new since then', () => {
    expect(added(150, at(200, 5), at(300, 2, { stream: 'errors' }))).toEqual(['first', [2, 200]]);
    expect(added(150, at(200, 5), at(300, 2, { stream: 'errors', startAt: 90 }))).toEqual(['first', 'first']);
    expect(added(150, at(200, 5), at(300, 2, { stream: 'errors', metric: 'other' }))).toEqual(['first', 'first']);
  });

  it('begins again with a new start, or by going down: all of it is new', () => {
    expect(added(50, at(200, 5), at(300, 2, { startAt: 250 }))).toEqual([
      [5, 100],
      [2, 250],
    ]);
    expect(added(50, at(200, 5), at(300, 2))).toEqual([
      [5, 100],
      [2, 200],
    ]);
  });

  it('whose bounds change without a new start counts from there on', () => {
    const histogram = (counts: readonly number[], bounds: readonly number[]): PointValue => ({
      ...{ kind: 'explicit', count: counts.reduce((a, b) => a + b, 0), bounds, counts },
    });
    const draft = new StreamDraft(noStreams());
    draft.take(at(200, 0, { value: histogram([5, 1], [1]) }), 50);
    expect(draft.take(at(300, 0, { value: histogram([5, 2, 1], [1, 2]) }), 50)).toEqual({ kind: 'first' });
    expect(draft.take(at(400, 0, { value: histogram([6, 2, 1], [1, 2]) }), 50)).toMatchObject({
      kind: 'increase',
      value: { count: 1, counts: [1, 0, 0] },
    });
  });

  it('adds nothing by a point that is repeated or late', () => {
    expect(added(50, at(300, 5), at(300, 5), at(200, 3), at(400, 6))).toEqual([
      [5, 100],
      'repeated',
      'repeated',
      [1, 300],
    ]);
  });

  it('of two processes with one identity stays two', () => {
    const other = { startAt: 120 };
    expect(added(50, at(200, 5), at(210, 50, other), at(300, 6), at(310, 51, other))).toEqual([
      [5, 100],
      [50, 120],
      [1, 200],
      [1, 210],
    ]);
  });

  it('is forgotten after a day without points; what began before is then counted from its next point only', () => {
    const later = 200 + KEEP_STREAM_MS + 1;
    const draft = new StreamDraft(noStreams());
    draft.take(at(200, 5), 50);
    const other = new StreamDraft(draft.finish());
    other.take(at(later, 1, { stream: 'new', startAt: later - 10 }), 50);
    expect(Object.keys(other.finish().streams)).toHaveLength(1);
    expect(other.finish().forgotUntil).toBe(200);
    expect(new StreamDraft(other.finish()).take(at(later + 5, 9), 50)).toEqual({ kind: 'first' });
  });

  it('is refused when there are too many, and others go on', () => {
    const draft = new StreamDraft(noStreams());
    for (let i = 0; i < MOST_STREAMS; i += 1) draft.take(at(200, 1, { stream: `s${i}` }), 50);
    expect(draft.take(at(200, 1, { stream: 'more' }), 50)).toEqual({ kind: 'too-many' });
    expect(draft.take(at(300, 3, { stream: 's0' }), 50)).toMatchObject({ kind: 'increase' });
  });

  it('makes place, when there are too many, for those of a process that began after it had ended', () => {
    const draft = new StreamDraft(noStreams());
    for (let i = 0; i < MOST_STREAMS; i += 1) draft.take(at(200, 1, { stream: `s${i}` }), 50);
    const later = 200 + 16 * 60_000;
    expect(draft.take(at(later, 7, { startAt: later - 10 }), 50)).toMatchObject({ kind: 'increase' });
    expect(draft.finish()).toMatchObject({ forgotUntil: 200 });
    // One that had not ended after all may have been counted: it counts from here on.
    expect(draft.take(at(later + 5, 9, { stream: 's0' }), 50)).toEqual({ kind: 'first' });
  });
});
