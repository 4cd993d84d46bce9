import { describe, expect, it } from 'vitest';
import { clipped, noticeOf } from './notice.ts';
import { DIGEST, messageOf } from './notification.test.support.ts';

describe('noticeOf', () => {
  it('says what happened to which rollout, the facts beside it, and where to look', () => {
    expect(noticeOf(messageOf(), 'https://rampart.example/')).toEqual({
      title: 'Rollout aborted: feature-xyz (production)',
      summary: messageOf().text,
      lines: [messageOf().text],
      facts: [
        { name: 'Stage', value: 'canary' },
        { name: 'Incident', value: '1' },
        { name: 'People', value: 'treatment 40, control 800' },
        { name: 'Assignee', value: 'ana' },
        { name: 'By', value: 'rampart' },
      ],
      links: [
        { title: 'Incident 1', url: 'https://rampart.example/rollouts/r1/incidents/1' },
        { title: 'Rollout', url: 'https://rampart.example/rollouts/r1' },
      ],
      tone: 'bad',
      emoji: '🔴',
      color: '#c62828',
    });
  });

  it('has no links without an origin, nor for what is about no single rollout', () => {
    expect(noticeOf(messageOf()).links).toEqual([]);
    expect(noticeOf(DIGEST, 'https://rampart.example').links).toEqual([]);
  });

  it('escapes an id in an address', () => {
    const [, { url } = { url: '' }] = noticeOf(messageOf({ rollout: 'a/../b c' }), 'https://r.example').links;
    expect(url).toBe('https://r.example/rollouts/a%2F..%2Fb%20c');
  });

  it('keeps the lines of a digest, and names no flag', () => {
    const notice = noticeOf(DIGEST);
    expect([notice.title, notice.summary, notice.lines.length]).toEqual([
      'Digest (production)',
      '3 messages about 2 rollouts:',
      4,
    ]);
  });

  it.each([
    ['page', 'rollout.aborted', 'bad'],
    ['warn', 'alert.raised', 'caution'],
    ['info', 'incident.resolved', 'good'],
    ['info', 'stage.entered', 'neutral'],
  ] as const)('takes %s %s as %s', (severity, type, tone) => {
    expect(noticeOf(messageOf({ severity, type })).tone).toBe(tone);
  });

  it('reads instants and durations for people', () => {
    const { facts } = noticeOf(messageOf({ data: { untilAt: 0, lagMs: 3_600_000, since: 1000, format: 'x' } }));
    expect(facts.slice(1, 5)).toEqual([
      { name: 'Until', value: '1970-01-01T00:00:00Z' },
      { name: 'Lag', value: '1 h' },
      { name: 'Since', value: '1970-01-01T00:00:01Z' },
      { name: 'Format', value: 'x' },
    ]);
  });

  it('lets no line break, control character or endless fact through', () => {
    const evil = 'a\r\nBcc: all@example.com\u0007\u2028b';
    const notice = noticeOf(messageOf({ flag: evil, by: evil, data: { note: 'x'.repeat(5000) } }));
    const told = [notice.title, ...notice.facts.map(({ value }) => value)];
    for (const text of told) expect(text).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(Math.max(...told.map(({ length }) => length))).toBeLessThanOrEqual(300);
  });

  it('has something to say when the text is empty', () => {
    expect(noticeOf(messageOf({ text: ' ' })).lines).toEqual(['rollout.aborted']);
  });
});

describe('clipped', () => {
  it('marks that something is left out, and cuts no character in two', () => {
    expect(clipped('abc', 3)).toBe('abc');
    expect(clipped('abcd', 3)).toBe('ab…');
    expect(clipped('a😀bcd', 3)).toBe('a…');
  });
});
