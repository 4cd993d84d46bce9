import { describe, expect, it } from 'vitest';
import { metricOf, queryOf } from './source-query.test.support.ts';
import { bindSql, parameterNames, parameterValue } from './sql-parameters.ts';

const bound = (query: string) => bindSql(query, (_, index) => `$${index + 1}`);

describe('bindSql', () => {
  it('gives each parameter one place, however often it stands there', () => {
    expect(bound('SELECT :to, :from, :to;')).toEqual({ text: 'SELECT $1, $2, $1', names: ['to', 'from'] });
  });

  it.each([
    ['a string', `SELECT ':to', 'it''s :to'`],
    ['a string with backslashes', String.raw`SELECT E'\':to'`],
    ['a quoted identifier', 'SELECT ":to", `:to`'],
    ['a comment', 'SELECT 1 -- :to\n/* :to */'],
    ['a dollar-quoted string', 'SELECT $$ :to $$, $body$ :to $x$ :to $body$'],
    ['a cast', 'SELECT now()::to'],
    ['a slice or a time of day', 'SELECT a[1:to]'],
  ])('leaves alone %s', (_, query) => {
    expect(bound(query)).toEqual({ text: query, names: [] });
  });

  it('finds what stands beside them', () => {
    expect(parameterNames(`SELECT ':a' -- :b\n, :c::text, $q$ :d $q$, :e, (:f)`)).toEqual(['c', 'e', 'f']);
  });
});

describe('parameterValue', () => {
  it('gives instants in ISO 8601 and as epochs', () => {
    const query = queryOf(metricOf({}));
    const of = (...names: readonly Parameters<typeof parameterValue>[0][]) =>
      names.map((name) => parameterValue(name, query));
    expect(of('from', 'to', 'fromMs', 'toMs', 'epoch', 'control')).toEqual([
      '2026-11-23T10:00:00.000Z',
      '2026-11-23T11:00:00.000Z',
      String(query.fromAt),
      String(query.toAt),
      '2',
      'off',
    ]);
  });
});
