import { describe, expect, it } from 'vitest';
import { readSignalMapping } from './signal-mapping.ts';

const AT = Date.parse('2026-11-23T10:00:00Z');
const read = (settings: object, body: unknown) => {
  const mapping = readSignalMapping(settings);
  if ('problem' in mapping) throw new Error(mapping.problem);
  const found = mapping(body, Buffer.from(JSON.stringify(body)));
  return found === undefined || 'problem' in found ? found : { id: found.id, flags: Object.fromEntries(found.flags) };
};

/** As Zendesk sends events of tickets (recorded shape). */
const ZENDESK = {
  type: 'zen:event-type:ticket.created',
  account_id: 123456,
  id: '01J0000000000000000000TEST',
  time: '2026-11-23T10:00:00.123Z',
  zendesk_event_version: '2022-11-06',
  subject: 'zen:ticket:5158',
  detail: { id: '5158', status: 'NEW', priority: 'HIGH', tags: ['billing', 'feature-xyz'] },
  event: {},
};
const TICKETS = {
  metric: 'supportTickets',
  flag: 'feature-xyz',
  at: '$.time',
  id: '$.id',
  when: { '$.type': 'zen:event-type:ticket.created', '$.detail.tags[*]': ['feature-xyz', 'feature_xyz'] },
};

/** As Intercom sends notifications (recorded shape). */
const INTERCOM = {
  type: 'notification_event',
  app_id: 'abc',
  id: 'notif_1',
  topic: 'conversation_part.tag.created',
  delivery_attempts: 2,
  created_at: AT / 1000,
  data: { type: 'notification_event_data', item: { type: 'conversation', tags: { tags: [{ name: 'complaint' }] } } },
};

describe('readSignalMapping', () => {
  it('reads a ticket of Zendesk', () => {
    expect(read(TICKETS, ZENDESK)).toEqual({
      id: ZENDESK.id,
      flags: { 'feature-xyz': [{ metric: 'supportTickets', at: AT + 123, count: 1 }] },
    });
  });

  it('reads a tagged conversation of Intercom, by the same id in every attempt', () => {
    const mapping = {
      metric: 'userComplaints',
      flag: 'feature-xyz',
      at: '$.created_at',
      id: '$.id',
      when: { '$.topic': 'conversation_part.tag.created', '$.data.item.tags.tags[*].name': 'complaint' },
    };
    const occurrence = { metric: 'userComplaints', at: AT, count: 1 };
    expect(read(mapping, INTERCOM)).toEqual({ id: 'notif_1', flags: { 'feature-xyz': [occurrence] } });
    expect(read(mapping, { ...INTERCOM, topic: 'ping' })).toBeUndefined();
  });

  it('reads several occurrences, of several flags, with counts', () => {
    const mapping = { metric: '$.kind', flag: '$.flag', each: '$.items[*]', count: '$.n', id: '$.id' };
    const items = [
      { kind: 'userComplaints', flag: 'a', n: 2 },
      { kind: 'userComplaints', flag: 'b', n: 1 },
      { kind: 'supportTickets', flag: 'a', n: 3 },
    ];
    expect(read(mapping, { id: 7, items })).toEqual({
      id: '7',
      flags: {
        a: [
          { metric: 'userComplaints', count: 2 },
          { metric: 'supportTickets', count: 3 },
        ],
        b: [{ metric: 'userComplaints', count: 1 }],
      },
    });
  });

  it('makes an id of the body where it has none', () => {
    const one = read({ metric: 'm', flag: 'f' }, { n: 1 });
    expect(one).toEqual(read({ metric: 'm', flag: 'f' }, { n: 1 }));
    expect(one).not.toEqual(read({ metric: 'm', flag: 'f' }, { n: 2 }));
  });

  it.each<readonly [string, object, object, RegExp]>([
    ['a flag that is not there', { metric: 'm', flag: '$.flag' }, {}, /\$.flag selects no text/],
    [
      'an instant that is none',
      { metric: 'm', flag: 'f', at: '$.at' },
      { at: 'noon' },
      /\$.at selects "noon", which is no instant/,
    ],
    ['a count that is none', { metric: 'm', flag: 'f', count: '$.n' }, { n: -1 }, /selects no whole number/],
    ['a count that is not there', { metric: 'm', flag: 'f', count: '$.n' }, {}, /selects no whole number/],
  ])('says what is wrong with %s', (_, mapping, body, problem) => {
    expect(read(mapping, body)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it.each<readonly [string, object, RegExp]>([
    ['without a flag', { metric: 'm' }, /flag/],
    ['with a path that is none', { metric: 'm', flag: '$.[' }, /is not a JSONPath/],
    [
      'with a condition that is none',
      { metric: 'm', flag: 'f', when: { topic: 'x' } },
      /when: "topic" is not a JSONPath/,
    ],
    ['with a key that is not known', { metric: 'm', flag: 'f', time: '$.t' }, /time/],
  ])('refuses settings %s', (_, settings, problem) => {
    expect(() => read(settings, {})).toThrow(problem);
  });
});
