import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, parseVersion } from './semver.ts';

const order = (left: string, right: string) => Math.sign(compareVersions(parseVersion(left)!, parseVersion(right)!));

describe('compareVersions', () => {
  it('orders as section 11 of Semantic Versioning 2.0.0 says', () => {
    const ascending = [
      '0.9.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.10.0',
      '2.0.0',
    ];
    for (const [i, left] of ascending.entries()) {
      for (const [j, right] of ascending.entries()) expect(order(left, right)).toBe(Math.sign(i - j));
    }
  });

  it('ignores build metadata and compares numbers no double can hold', () => {
    expect(order('1.0.0+a', '1.0.0+b')).toBe(0);
    expect(order('1.0.9007199254740993', '1.0.9007199254740992')).toBe(1);
  });

  it('is a total order', () => {
    const identifier = fc.constantFrom('0', '1', '2', '10', 'a', 'b', 'rc', '1a', '-', 'A');
    const version = fc
      .tuple(fc.nat(1), fc.nat(12), fc.nat(1), fc.array(identifier, { maxLength: 3 }))
      .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre.length > 0 ? `-${pre.join('.')}` : ''}`);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(order(a, b) + order(b, a)).toBe(0);
        expect(order(a, b) === 0).toBe(a === b);
        if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('parseVersion', () => {
  it('refuses what the specification refuses', () => {
    for (const text of [
      '',
      '1',
      '1.2',
      'v1.2.3',
      '01.2.3',
      '1.2.3-',
      '1.2.3-01',
      '1.2.3+',
      '1.2.3-a..b',
      ' 1.2.3',
      '1.2.3\n',
    ]) {
      expect(parseVersion(text)).toBeUndefined();
    }
  });
});
