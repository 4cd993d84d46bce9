import { expect, it } from 'vitest';
import { createInstanceRegistry, INSTANCE_TTL_MS, RETURN_WITHIN_MS } from './instance-registry.ts';

it('forgets an instance that says it goes, whether its stream ends before or after', () => {
  const registry = createInstanceRegistry();
  const ended = registry.opened('a', 7, 0);
  registry.opened('b', 7, 0)(0, true);
  registry.left('a');
  registry.left('b');
  ended(1, true);
  expect(registry.connected(1)).toBe(0);
});

it('waits 10 s for an instance whose stream was closed properly and 60 s for one that was cut off', () => {
  const registry = createInstanceRegistry();
  registry.opened('closed', 6, 0)(0, true);
  registry.opened('cut off', 7, 0)(0, false);
  expect(registry.acknowledged(7, RETURN_WITHIN_MS)).toEqual({ connected: 2, acknowledged: 1 });
  expect(registry.acknowledged(7, RETURN_WITHIN_MS + 1)).toEqual({ connected: 1, acknowledged: 1 });
  expect(registry.connected(INSTANCE_TTL_MS + 1)).toBe(0);
});

it('keeps an instance that reports after the end of its stream, or comes back with a new one', () => {
  const registry = createInstanceRegistry();
  registry.opened('reports', 7, 0)(0, true);
  registry.opened('returns', 7, 0)(0, true);
  registry.seen('reports', 7, 1);
  registry.opened('returns', 7, 1);
  expect(registry.connected(RETURN_WITHIN_MS + 1)).toBe(2);
});

it('keeps the last word of an instance on a flag, with the revision it evaluates by', () => {
  const registry = createInstanceRegistry();
  registry.seen('a', 7, 0, { drill: true });
  registry.seen('a', 8, 1);
  registry.seen(undefined, 9, 1, { drill: false });
  const [one] = registry.present(1);
  expect(one).toMatchObject({ name: 'a', revision: 8 });
  expect(one?.evaluated.get('drill')).toMatchObject({ value: true, revision: 7 });
  registry.seen('a', 9, 2, { drill: false });
  expect(registry.present(2)[0]?.evaluated.get('drill')).toMatchObject({ value: false, revision: 9 });
});

it('remembers the last flags that an instance told of, and not without end', () => {
  const registry = createInstanceRegistry();
  const drills = (from: number) =>
    Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`drill-${from + i}`, true]));
  for (let from = 0; from < 1_500; from += 150) registry.seen('a', 7, 0, drills(from));
  const [{ evaluated } = { evaluated: new Map() }] = registry.present(0);
  expect([evaluated.size, evaluated.has('drill-0'), evaluated.has('drill-1499')]).toEqual([200, false, true]);
});
