import { describe, expect, it } from 'vitest';
import { type GateMapping, readGateMapping } from './gate-mapping.ts';

const mapping = (change: object = {}): GateMapping => {
  const read = readGateMapping({
    gate: 'error-budget',
    state: '$.status',
    opens: ['ok', 'resolved'],
    closes: 'spent',
    ...change,
  });
  if ('problem' in read) throw new TypeError(read.problem);
  return read;
};
const read = (body: unknown, change: object = {}) => mapping(change)(body, Buffer.from(JSON.stringify(body)));

describe('a mapping of gates', () => {
  it('reads whether a gate is open from the words that open and close it', () => {
    expect(read({ status: 'spent' })).toMatchObject({ gates: [{ gate: 'error-budget', open: false }] });
    expect(read({ status: 'resolved' })).toMatchObject({ gates: [{ gate: 'error-budget', open: true }] });
    expect(read({ status: true }, { opens: 'true', closes: 'false' })).toMatchObject({ gates: [{ open: true }] });
  });

  it('reads gate, flag, environment, reason and instant where the body has them', () => {
    const change = {
      each: '$.slos[*]',
      gate: '$.name',
      flag: '$.flag',
      environment: '$.env',
      reason: '$.text',
      at: '$.at',
      id: '$.id',
    };
    const body = {
      id: 'd-1',
      slos: [
        { name: 'latency', flag: 'x', env: 'staging', text: '3 % left', at: '2026-01-05T09:00:00Z', status: 'ok' },
      ],
    };
    expect(read(body, change)).toEqual({
      id: 'd-1',
      gates: [
        {
          gate: 'latency',
          open: true,
          flag: 'x',
          environment: 'staging',
          reason: '3 % left',
          at: Date.UTC(2026, 0, 5, 9),
        },
      ],
    });
  });

  it('leaves out what its conditions do not mean, and refuses a word that is neither', () => {
    expect(read({ status: 'spent', kind: 'test' }, { when: { '$.kind': 'real' } })).toBeUndefined();
    expect(read({ status: 'odd' })).toEqual({
      problem: '$.status selects "odd", which stands neither in opens nor in closes',
    });
    expect(read({})).toHaveProperty('problem');
    expect(read({ status: 'ok' }, { flag: '$.flag' })).toEqual({
      problem: '$.flag selects no text of 1 to 200 characters in the body',
    });
    expect(read({ status: 'ok', at: 'noon' }, { at: '$.at' })).toHaveProperty('problem');
  });

  it.each([
    [{}],
    [{ gate: 'x', state: 'status', opens: 'a', closes: 'b' }],
    [{ gate: 'x', state: '$.s', opens: 'a', closes: ['a'] }],
    [{ gate: 'x', state: '$.s', opens: 'a', closes: 'b', when: { 'no path': 'x' } }],
  ])('is refused when it can never work: %j', (settings) => {
    expect(readGateMapping(settings)).toHaveProperty('problem');
  });
});
