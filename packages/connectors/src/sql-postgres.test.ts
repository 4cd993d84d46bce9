import { userBucketOf } from '@rampart/flags';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
import { type RunningPostgres, SKIP_POSTGRES, startPostgres } from './postgres.test.support.ts';
import { type PostgresConnection, postgresDatabase } from './postgres-query.ts';
import { HOUR, metricOf, queryOf, totalsOf } from './source-query.test.support.ts';
import { sqlSource } from './sql-source.ts';

const PER_REQUEST = `
  SELECT user_id AS "user", variant AS arm, count(*) AS total, count(*) FILTER (WHERE failed) AS bad
  FROM requests WHERE at >= :from AND at < :to AND flag = :flag GROUP BY 1, 2;`;
const FRESHNESS = 'SELECT max(at) FROM requests';
const requests = metricOf({ query: PER_REQUEST, freshness: FRESHNESS });

const TABLES = `
  DROP TABLE IF EXISTS requests, sessions;
  CREATE TABLE requests (at timestamptz, flag text, user_id text, variant text, failed boolean);
  CREATE TABLE sessions (at timestamp, user_id text, variant text, minutes double precision)`;

/** One request a minute from an instant, the first `bad` of them failed. */
const inserted = (from: string, n: number, bad: number, flag = 'feature-xyz', variant = 'on') => `
  INSERT INTO requests SELECT timestamptz '${from}' + i * interval '1 min', '${flag}', 'user-' || i % 4, '${variant}', i < ${bad}
  FROM generate_series(0, ${n - 1}) i`;

describe.skipIf(SKIP_POSTGRES)('sqlSource over a real PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());
  beforeEach(() => postgres.run(TABLES));

  const sourceOf = (change: Partial<PostgresConnection> = {}, limits = {}) =>
    sqlSource({
      name: 'warehouse',
      database: postgresDatabase({ ...postgres.connection, ...change }),
      limits: { timeoutMs: 30_000, maxRows: 100_000, maxBytes: 32 * 2 ** 20, ...limits },
    });
  const read = (metric: ReturnType<typeof metricOf>, change = {}, limits = {}) =>
    sourceOf(change, limits).read(queryOf(metric));

  function harness(): MetricSourceHarness {
    let isFailing = false;
    const good = sourceOf();
    const bad = sourceOf({ password: 'wrong' });
    return {
      source: { name: 'warehouse', read: (query) => (isFailing ? bad : good).read(query) },
      query: queryOf(requests),
      given: async (situation) => {
        isFailing = situation === 'failing';
        await postgres.run(TABLES);
        if (situation === 'observed') await postgres.run(inserted('2026-11-23T10:00Z', 10, 3));
        if (situation === 'other-metric') await postgres.run(inserted('2026-11-23T10:00Z', 10, 3, 'another-flag'));
        if (situation === 'stopped') await postgres.run(inserted('2026-11-23T08:00Z', 10, 3));
      },
    };
  }

  describe('keeps the contract of metric sources', () => {
    it.each(metricSourceContract)('$name', ({ run }) => run(harness()));
  });

  it('puts each user in the bucket that the SDK puts them in', async () => {
    await postgres.run(inserted('2026-11-23T10:00Z', 10, 3));
    const answer = await read(requests);
    const buckets = ['user-0', 'user-1', 'user-2', 'user-3'].map(userBucketOf).sort((one, other) => one - other);
    expect(answer.kind === 'value' && answer.series[0]?.bucket).toEqual([...new Set(buckets)]);
  });

  it('counts from the start of the interval, and not at its end', async () => {
    await postgres.run(inserted('2026-11-23T09:59Z', 62, 0));
    expect(totalsOf(await read(requests))).toEqual({ treatment: [60, 0] });
  });

  it('reads values per user, timestamps without a zone in UTC, and leaves out null and NaN with a warning', async () => {
    await postgres.run(`INSERT INTO sessions VALUES ('2026-11-23 10:59:59', 'a', 'on', 2), ('2026-11-23 10:00', 'b', 'on', 4),
      ('2026-11-23 10:00', 'c', 'off', null), ('2026-11-23 10:00', 'd', 'off', 'NaN'), ('2026-11-23 10:00', 'e', 'off', 7)`);
    const query = `SELECT user_id AS "user", variant AS arm, minutes AS value, at FROM sessions WHERE at >= :from AND at < :to`;
    const engagement = metricOf({ query }, { name: 'engagement', kind: 'mean', per: 'user', unit: 'value' });
    const answer = await read(engagement);
    expect(totalsOf(answer)).toEqual({ treatment: [2, 6], control: [1, 7] });
    expect(answer).toMatchObject({ warnings: ['metrics.engagement: 2 rows without a value (null or NaN) left out'] });
  });

  it('refuses a user who has several rows where each is counted once', async () => {
    await postgres.run(
      `INSERT INTO sessions VALUES ('2026-11-23 10:01', 'a', 'on', 2), ('2026-11-23 10:02', 'a', 'on', 2)`,
    );
    const query = `SELECT user_id AS "user", variant AS arm, minutes AS value FROM sessions WHERE at >= :from AND at < :to`;
    expect(totalsOf(await read(metricOf({ query }, { kind: 'mean', per: 'user' })))).toContain(
      'a join multiplies rows',
    );
  });

  it('gives occurrences with their instants, and none is zero', async () => {
    const query = `SELECT at, 'on' AS arm FROM requests WHERE at >= :from AND at < :to AND failed`;
    const complaints = metricOf({ query }, { name: 'userComplaints', kind: 'count', per: 'day' });
    expect(await read(complaints)).toMatchObject({ kind: 'value', series: [], occurrences: [] });
    await postgres.run(inserted('2026-11-23T10:00Z', 5, 2));
    expect(await read(complaints)).toMatchObject({
      occurrences: [
        { metric: 'userComplaints', at: queryOf(complaints).fromAt, count: 1 },
        { metric: 'userComplaints', at: queryOf(complaints).fromAt + 60_000, count: 1 },
      ],
    });
  });

  it('leaves out rows whose clock is outside of the interval, and says so', async () => {
    await postgres.run(inserted('2026-11-23T10:30Z', 60, 0));
    const query = `SELECT variant AS arm, at, 1 AS total, 0 AS bad FROM requests WHERE :from < :to`;
    expect(await read(metricOf({ query }))).toMatchObject({
      kind: 'value',
      warnings: ['metrics.errorRate: 30 rows outside of the interval (by its instant) left out'],
    });
  });

  it.each([
    ['down', { port: 1 }, {}, /^metrics.errorRate: PostgreSQL at 127.0.0.1:1 cannot be reached .*ECONNREFUSED/],
    ['wrong password', { password: 'nope' }, {}, /refused the credentials \(28P01\)/],
    ['unknown user', { user: 'nobody' }, {}, /refused the credentials/],
    ['unknown database', { database: 'nope' }, {}, /\(3D000\)/],
    ['address not allowed', { policy: {} }, {}, /is not on the public internet; list the host in allowedHosts/],
    ['one whose certificate nobody vouches for', { tls: 'verify' as const }, {}, /broke the connection .*SELF_SIGNED/],
  ])('answers error when the database is %s', async (_, change, limits, message) => {
    const answer = await read(requests, change, limits);
    expect(totalsOf(answer)).toMatch(message);
    expect(JSON.stringify(answer)).not.toContain('correct horse');
  });

  it.each([
    [
      'takes too long',
      `SELECT 'on' AS arm, pg_sleep(60)::text AS "user", :from::text AS x, :to::text AS y`,
      { timeoutMs: 300 },
      /no answer within 0.3 s/,
    ],
    [
      'gives too many rows',
      `SELECT 'on' AS arm, 1 AS total, 0 AS bad FROM generate_series(1, 101) WHERE :from < :to`,
      { maxRows: 100 },
      /more than 100 rows/,
    ],
    [
      'gives too many bytes',
      `SELECT 'on' AS arm, repeat('x', 3000000) AS "user", 1 AS total, 0 AS bad WHERE :from < :to`,
      { maxBytes: 2 ** 20 },
      /larger than 1 MiB/,
    ],
    [
      'writes',
      `WITH gone AS (DELETE FROM requests RETURNING 1) SELECT 'on' AS arm, count(*) AS total FROM gone WHERE :from < :to`,
      {},
      /refused the query|read-only/,
    ],
    ['is two statements', `SELECT 'on' AS arm WHERE :from < :to; DROP TABLE requests`, {}, /multiple commands/],
    ['names no table', `SELECT * FROM nowhere WHERE at >= :from AND at < :to`, {}, /42P01.*nowhere/],
    [
      'gives a column that means nothing',
      `SELECT 'on' AS arm, 1 AS mistakes WHERE :from < :to`,
      {},
      /a column "mistakes"; name its columns arm, user/,
    ],
    [
      'contradicts itself',
      `SELECT 'on' AS arm, 3 AS bad, 2 AS total WHERE :from < :to`,
      {},
      /row 1 has 3 bad of 2 in total/,
    ],
    ['names no arm', `SELECT 3 AS total, 2 AS bad WHERE :from < :to`, {}, /tells no variants apart/],
  ])('answers error when the query %s', async (_, query, limits, message) => {
    expect(totalsOf(await read(metricOf({ query }), {}, limits))).toMatch(message);
  });

  it('reads over TLS from a server that the authority vouches for, and also bounds what comes there', async () => {
    await postgres.run(inserted('2026-11-23T10:00Z', 10, 3));
    const tls = { tls: 'verify' as const, ca: postgres.certificate };
    expect(totalsOf(await read(requests, tls))).toEqual({ treatment: [10, 3] });
    const query = `SELECT 'on' AS arm, repeat('x', 3000000) AS "user", 1 AS total, 0 AS bad WHERE :from < :to`;
    expect(totalsOf(await read(metricOf({ query }), tls, { maxBytes: 2 ** 20 }))).toMatch(/larger than 1 MiB/);
    // The certificate is for an address, not for this name of it.
    expect(totalsOf(await read(requests, { ...tls, host: 'localhost', policy: { allowPrivate: true } }))).toMatch(
      /ALTNAME/,
    );
  });

  it('binds what a plan says, and splices nothing', async () => {
    const query = `SELECT 'on' AS arm, 1 AS total, 0 AS bad WHERE :flag = 'it''s; DROP TABLE requests' AND :from < :to AND ':to' <> '' -- :nothing`;
    const answer = await sourceOf().read({ ...queryOf(metricOf({ query })), flag: "it's; DROP TABLE requests" });
    expect(totalsOf(answer)).toEqual({ treatment: [1, 0] });
  });

  it('answers in an hour that follows one without the database', async () => {
    await postgres.run(inserted('2026-11-23T10:00Z', 120, 0));
    const later = queryOf(requests);
    expect((await sourceOf({ port: 1 }).read(later)).kind).toBe('error');
    expect(totalsOf(await sourceOf().read({ ...later, fromAt: later.fromAt + HOUR, toAt: later.toAt + HOUR }))).toEqual(
      {
        treatment: [60, 0],
      },
    );
  });
});
