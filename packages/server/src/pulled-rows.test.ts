import { afterEach, describe, expect, it } from 'vitest';
import { type HttpFake, type Reply, startHttpFake } from '../../connectors/src/http-fake.test.support.ts';
import { SKIP_POSTGRES, startPostgres } from '../../connectors/src/postgres.test.support.ts';
import { type Rig, startRig } from './server-rig.test.support.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Durations are for `timeScale: 0.001`: 48 h in 172.8 s. */
const planWith = (binding: string) => `
flag: checkout
version: build-1
preflight: [flag-configured]
baseline: { window: 2h }
metrics:
  errorRate: { source: numbers, ${binding} }
stages:
  - { name: canary, percentage: 10, duration: 48h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
exit: [ ga-stable ]
`;

/** Requests of one second: by variant, how many and how many of them failed. */
type Second = { readonly at: number; readonly arm: 'on' | 'off'; readonly total: number; readonly bad: number };

/** A system behind a source: told each second of traffic, and brought into trouble. `undefined`: out of it again. */
type Peer = {
  readonly source: object;
  readonly binding: string;
  readonly record: (seconds: readonly Second[]) => Promise<void> | void;
  readonly trouble: (name: string | undefined) => Promise<void> | void;
};

type Site = {
  readonly rig: Rig;
  readonly id: string;
  /** Share of failures of the new variant, in [0, 1]. */
  rate: number;
  readonly live: (seconds: number) => Promise<void>;
  readonly until: (isSo: () => Promise<boolean>) => Promise<void>;
};

async function startSite(peer: Peer): Promise<Site> {
  const settings = { every: '1s', settle: '0s', ...peer.source };
  const rig = await startRig({ settings: { allowedHosts: ['127.0.0.1'], sources: { numbers: settings } } });
  ends.push(() => rig.dispose());
  const { state } = await rig.admin.createRollout({ text: planWith(peer.binding), timeScale: 0.001 });
  await rig.admin.command(state.id, { type: 'Start' });
  const site: Site = {
    rig,
    id: state.id,
    rate: 0.002,
    async live(seconds) {
      for (let second = 0; second < seconds; second += 1) {
        const { layers } = (await rig.admin.getRollout(site.id)).state;
        const treated = 2_000 * ((layers[0]?.weight ?? 0) / 100_000);
        const at = rig.clock.now();
        const of = (arm: Second['arm'], total: number, rate: number) => ({
          at,
          arm,
          total,
          bad: Math.round(total * rate),
        });
        await peer.record([of('on', treated, site.rate), of('off', 2_000 - treated, 0.002)]);
        rig.clock.advance(1_000);
        await rig.server.puller.pullAll();
        await rig.pass(0);
      }
    },
    async until(isSo) {
      for (let second = 0; second < 400; second += 1) {
        if (await isSo()) return;
        await site.live(1);
      }
      const view = await rig.admin.getRollout(site.id);
      throw new Error(`it is not so after 400 s: ${view.waitingFor.join('; ')}, ${JSON.stringify(view.sources)}`);
    },
  };
  return site;
}

const viewOf = ({ rig, id }: Site) => rig.admin.getRollout(id);
const isInStage = (site: Site, index: number) => async () => (await viewOf(site)).state.stage?.index === index;

/** Recorded seconds, summed by variant over an interval. */
function openLedger() {
  const seconds: Second[] = [];
  return {
    record: (more: readonly Second[]) => void seconds.push(...more),
    between: (fromAt: number, toAt: number) =>
      (['on', 'off'] as const).flatMap((arm) => {
        const own = seconds.filter((one) => one.arm === arm && one.at >= fromAt && one.at < toAt && one.total > 0);
        const sum = (key: 'total' | 'bad') => own.reduce((total, one) => total + one[key], 0);
        return own.length === 0 ? [] : [{ arm, total: sum('total'), bad: sum('bad') }];
      }),
  };
}

type Summed = ReturnType<ReturnType<typeof openLedger>['between']>;

/** A JSON API in good shape and in every trouble. */
async function jsonPeer(): Promise<Peer> {
  const fake = await openFake();
  const ledger = openLedger();
  let now: string | undefined;
  const troubles: Readonly<Record<string, (rows: Summed) => Reply>> = {
    'is down': () => ({ ends: 'breaks' }),
    'answers 500': () => ({ status: 500, body: 'disk is on fire' }),
    'refuses the key': () => ({ status: 401 }),
    'asks for patience': () => ({ status: 429, headers: { 'retry-after': '1' } }),
    redirects: () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }),
    'answers a page': () => ({ body: '<html>log in</html>' }),
    'answers a giant': () => ({ headers: { 'content-length': String(64 * 2 ** 20) }, ends: 'breaks' }),
    'answers a part': (data) => ({ body: { data, next: 'page 2' } }),
    'answers an error as a success': (data) => ({ body: { data, errors: ['shard 3 is gone'] } }),
    'has no rows': () => ({ body: { data: [] } }),
    'has NaN': (data) => ({ body: { data: data.map((row) => ({ ...row, bad: 'NaN' })) } }),
    'contradicts itself': (data) => ({ body: { data: data.map((row) => ({ ...row, bad: row.total + 1 })) } }),
    'has another clock': (data) => ({ body: { data: data.map((row) => ({ ...row, at: '2031-01-01T00:00:00Z' })) } }),
    'has only what is old': () => ({ body: { data: [{ upTo: '2020-01-01T00:00:00Z' }] } }),
  };
  fake.answer = ({ url }) => {
    const rows = ledger.between(Number(url.searchParams.get('from')), Number(url.searchParams.get('to')));
    return (now === undefined ? undefined : troubles[now]?.(rows)) ?? { body: { data: rows } };
  };
  return {
    source: { kind: 'http-json', url: fake.url },
    binding: `request: { query: { from: '{{fromMs}}', to: '{{toMs}}' } }, rows: '$.data[*]', failure: $.errors, partial: $.next,
      columns: { arm: $.arm, total: $.total, bad: $.bad, at: $.at, newest: $.upTo }`,
    record: ledger.record,
    trouble: (name) => {
      now = name;
    },
  };
}

const JSON_TROUBLES: readonly (readonly [string, RegExp])[] = [
  ['is down', /broke off/],
  ['answers 500', /disk is on fire/],
  ['refuses the key', /credentials/],
  ['asks for patience', /patience/],
  ['redirects', /redirects are not followed/],
  ['answers a page', /did not answer in JSON/],
  ['answers a giant', /too large/],
  ['answers a part', /only a part/],
  ['answers an error as a success', /shard 3 is gone/],
  ['has no rows', /no data/],
  ['has NaN', /no data/],
  ['contradicts itself', /in total/],
  ['has another clock', /no data/],
  ['has only what is old', /ended/],
];

async function openFake(): Promise<HttpFake> {
  const fake = await startHttpFake();
  ends.push(() => fake.stop());
  return fake;
}

async function clickHousePeer(): Promise<Peer> {
  const fake = await openFake();
  const ledger = openLedger();
  let now: string | undefined;
  const table = (rows: readonly (readonly unknown[])[]) => ({
    meta: ['arm', 'total', 'bad'].map((name) => ({ name, type: 'String' })),
    data: rows,
  });
  const troubles: Readonly<Record<string, (rows: Summed) => Reply>> = {
    'is down': () => ({ ends: 'breaks' }),
    'has an exception behind a 200': () => ({
      body: '{"meta":[],"data":[\nCode: 241. DB::Exception: Memory limit exceeded',
    }),
    'refuses the password': () => ({ status: 403, body: 'Code: 516. DB::Exception: Authentication failed' }),
    'asks for patience': () => ({ status: 429, headers: { 'retry-after': '1' } }),
    'has NaN': (rows) => ({ body: table(rows.map(({ arm, total }) => [arm, String(total), 'nan'])) }),
    'has no rows': () => ({ body: table([]) }),
  };
  fake.answer = ({ url }) => {
    const at = (name: string) => Number(url.searchParams.get(`param_${name}`));
    const rows = ledger.between(at('fromMs'), at('toMs'));
    const well = () => ({ body: table(rows.map(({ arm, total, bad }) => [arm, String(total), String(bad)])) });
    return (now === undefined ? undefined : troubles[now]?.(rows)) ?? well();
  };
  return {
    source: { kind: 'clickhouse', url: fake.url },
    binding: `query: 'SELECT arm, total, bad FROM requests WHERE at >= :fromMs AND at < :toMs'`,
    record: ledger.record,
    trouble: (name) => {
      now = name;
    },
  };
}

const CLICKHOUSE_TROUBLES: readonly (readonly [string, RegExp])[] = [
  ['is down', /broke off/],
  ['has an exception behind a 200', /Memory limit exceeded/],
  ['refuses the password', /credentials/],
  ['asks for patience', /patience/],
  ['has NaN', /no data/],
  ['has no rows', /no data/],
];

async function postgresPeer(): Promise<Peer> {
  const postgres = await startPostgres();
  ends.push(() => postgres.stop());
  const { host, port, database, user, password } = postgres.connection;
  const viewOn = (columns: string) =>
    `DROP VIEW IF EXISTS requests; CREATE VIEW requests AS SELECT ${columns} FROM recorded`;
  const well = viewOn('at, arm, total, bad');
  await postgres.run(
    `CREATE TABLE recorded (at timestamptz, arm text, total double precision, bad double precision);
     CREATE INDEX ON recorded (at); ${well}`,
  );
  ends.push(async () => void delete process.env.PULLED_ROWS_PASSWORD);
  process.env.PULLED_ROWS_PASSWORD = password;
  const troubles: Readonly<Record<string, string>> = {
    'refuses the password': `ALTER ROLE reader PASSWORD 'another'`,
    'lost its table': 'DROP VIEW requests',
    'has NaN': viewOn("at, arm, total, double precision 'NaN' AS bad"),
    'contradicts itself': viewOn('at, arm, total, total + 1 AS bad'),
    'is not filled any more': viewOn("at - interval '1 year' AS at, arm, total, bad"),
  };
  return {
    source: {
      kind: 'postgres',
      host,
      port,
      database,
      user,
      password: { secretRef: 'PULLED_ROWS_PASSWORD' },
      tls: 'off',
    },
    binding: `query: 'SELECT arm, sum(total) AS total, sum(bad) AS bad FROM requests WHERE at >= :from AND at < :to AND total > 0 GROUP BY arm',
      freshness: 'SELECT max(at) FROM requests'`,
    record(seconds) {
      const rows = seconds.map(({ at, arm, total, bad }) => `(to_timestamp(${at / 1000}), '${arm}', ${total}, ${bad})`);
      return postgres.run(`INSERT INTO recorded VALUES ${rows.join(', ')}`);
    },
    trouble: (name) =>
      postgres.run(name === undefined ? `ALTER ROLE reader PASSWORD '${password}'; ${well}` : (troubles[name] ?? '')),
  };
}

const POSTGRES_TROUBLES: readonly (readonly [string, RegExp])[] = [
  ['refuses the password', /credentials/],
  ['lost its table', /42P01/],
  ['has NaN', /no data/],
  ['contradicts itself', /in total/],
  ['is not filled any more', /ended/],
];

/** Goes on while all is well, finds harm, and holds in trouble. */
async function holdsIn(peer: Peer, troubles: readonly (readonly [string, RegExp])[]): Promise<void> {
  const site = await startSite(peer);
  await site.until(isInStage(site, 0));
  for (const [name, why] of troubles) {
    await peer.trouble(name);
    await site.live(20);
    const view = await viewOf(site);
    expect([name, view.state.phase, view.state.stage?.index]).toEqual([name, 'exposing', 0]);
    expect([name, view.sources?.[0]?.why]).toEqual([name, expect.stringMatching(why)]);
    expect(view.judgement?.verdicts.map(({ status }) => status)).not.toContain('fail');
    await peer.trouble(undefined);
    await site.live(3);
  }
  await site.until(isInStage(site, 1));
  expect((await viewOf(site)).state.incidents).toEqual([]);
  site.rate = 0.08;
  await site.until(async () => (await viewOf(site)).state.phase === 'aborted');
  expect((await viewOf(site)).state.incidents[0]).toMatchObject({ verdict: { source: 'numbers' } });
}

describe('a rollout whose only source is', () => {
  it('a JSON API holds in every trouble of it, goes on after, and aborts on harm', async () => {
    await holdsIn(await jsonPeer(), JSON_TROUBLES);
  }, 120_000);

  it('a ClickHouse holds in every trouble of it, goes on after, and aborts on harm', async () => {
    await holdsIn(await clickHousePeer(), CLICKHOUSE_TROUBLES);
  }, 120_000);

  it.skipIf(SKIP_POSTGRES)(
    'a PostgreSQL holds in every trouble of it, goes on after, and aborts on harm',
    async () => {
      await holdsIn(await postgresPeer(), POSTGRES_TROUBLES);
    },
    120_000,
  );
});
