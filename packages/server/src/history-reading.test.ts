import { prometheusHistory } from '@rampart/connectors';
import { applyAll, decide, type Principal, parsePlan, type RolloutState } from '@rampart/rollout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RecordedSample,
  type RunningPrometheus,
  SKIP_PROMETHEUS,
  startPrometheus,
} from '../../connectors/src/prometheus.test.support.ts';
import {
  exposedByOthers,
  HistoryUnavailable,
  type ReadingProgress,
  readHistory,
  recordedIn,
} from './history-reading.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_AT = Date.UTC(2026, 0, 5, 9);
const HOURS = 6;
const ANA: Principal = { id: 'ana', kind: 'person', roles: ['operator'] };

const PLAN = `
flag: checkout
baseline: { window: 6h }
metrics:
  errorRate: { source: prometheus, bad: 'reqs_total{code="500"}', total: reqs_total, arm: variant }
  throughput: { source: prometheus, total: reqs_total, arm: variant }
  p99Latency: { source: prometheus, buckets: latency_seconds_bucket }
stages:
  - { name: canary, percentage: 10, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: { errorRate: baseline + 1%, p99Latency: 2x baseline, throughput: 0.8x baseline }
`;

function stateOf(): RolloutState {
  const parsed = parsePlan(PLAN, { now: START_AT });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const made = decide(undefined, { type: 'Create', id: 'r', plan: parsed.plan, warnings: [] }, ANA, START_AT);
  const state = made.ok ? applyAll(undefined, made.events, ANA, START_AT) : undefined;
  if (state === undefined) throw new Error('a rollout could not be created');
  return state;
}

/** A counter scraped each minute, over the whole range or since an instant. */
function counter(
  labels: RecordedSample['labels'],
  perMinute: number,
  since = START_AT - HOURS * HOUR_MS,
): readonly RecordedSample[] {
  const minutes = (START_AT - since) / MINUTE_MS;
  return Array.from({ length: minutes + 1 }, (_, minute) => ({
    labels,
    at: since + minute * MINUTE_MS,
    value: minute * perMinute,
  }));
}

/** Everyone sees the old variant until two hours before the end; treatment fails all the time then. */
const SINCE = START_AT - 2 * HOUR_MS;

describe.skipIf(SKIP_PROMETHEUS)('a history in a real Prometheus (apt-get install prometheus)', () => {
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    const treated = counter({ variant: 'on', code: '500' }, 100, SINCE);
    prometheus = await startPrometheus([
      {
        name: 'reqs',
        type: 'counter',
        samples: [
          ...counter({ variant: 'off', code: '200' }, 99),
          ...counter({ variant: 'off', code: '500' }, 1),
          ...treated,
        ],
      },
      {
        name: 'latency_seconds',
        type: 'histogram',
        samples: [...counter({ le: '0.25' }, 98), ...counter({ le: '0.5' }, 100), ...counter({ le: '+Inf' }, 100)],
      },
    ]);
  }, 60_000);
  afterAll(() => prometheus.stop());

  const read = (state: RolloutState, url: string, told: ReadingProgress[] = []) => {
    const source = prometheusHistory({ url, headers: {}, fetch });
    const historyOf = (name: string) => (name === 'prometheus' ? source : undefined);
    const recorded = recordedIn(state.plan, historyOf) ?? {};
    const { signal } = new AbortController();
    return readHistory(state, {
      historyOf,
      recorded,
      exposed: [],
      toAt: START_AT + 20_000,
      onProgress: (one) => told.push(one),
      signal,
    });
  };

  it('gives a baseline of the old variant with its sample sizes, and says how far it is', async () => {
    const told: ReadingProgress[] = [];
    const state = { ...stateOf(), history: [{ startedAt: SINCE } as RolloutState['history'][number]] };
    const [baseline, ...others] = await read(state, prometheus.url, told);
    expect(others).toEqual([]);
    expect(baseline).toMatchObject({ source: 'history', fromAt: START_AT - HOURS * HOUR_MS, toAt: START_AT });
    expect(baseline?.metrics.errorRate).toMatchObject({ value: 0.01, count: HOURS * 60 * 100 });
    // A number of requests in a time is that of everyone, so that nothing counts since the first exposure.
    expect(baseline?.metrics.throughput?.value).toBeCloseTo(100 / 60, 6);
    expect(baseline?.metrics.throughput?.count).toBe((HOURS - 2) * 60 * 100);
    expect(baseline?.metrics.p99Latency?.value).toBeGreaterThan(0.25);
    expect(baseline?.metrics.p99Latency?.count).toBe((HOURS - 2) * 60 * 100);
    expect(told[0]).toEqual({ source: 'prometheus', share: 0 });
    expect(told.at(-1)).toEqual({ source: 'prometheus', share: 1 });
  });

  it('that nothing answers is told with the name of its source', async () => {
    const failure = await read(stateOf(), 'http://127.0.0.1:9').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HistoryUnavailable);
    expect(String(failure)).toMatch(/prometheus: /);
  });
});

describe('readHistory', () => {
  it('says when a source is no longer configured', async () => {
    const { signal } = new AbortController();
    const reading = {
      historyOf: () => undefined,
      recorded: { errorRate: 'prometheus' },
      exposed: [],
      toAt: START_AT,
      signal,
    };
    await expect(readHistory(stateOf(), { ...reading, onProgress: () => undefined })).rejects.toThrow(
      'prometheus: it is no longer configured on this server',
    );
  });
});

describe('a history that does not answer', () => {
  it('is not waited for when the server stops', async () => {
    const stopping = new AbortController();
    const hanging: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('withdrawn')));
        stopping.abort();
      });
    const source = prometheusHistory({ url: 'http://prometheus.example', fetch: hanging });
    const reading = {
      historyOf: () => source,
      recorded: { errorRate: 'prometheus' },
      exposed: [],
      toAt: START_AT,
      onProgress: () => undefined,
      signal: stopping.signal,
    };
    await expect(readHistory(stateOf(), reading)).rejects.toThrow(HistoryUnavailable);
  });
});

describe('exposedByOthers', () => {
  it('knows when another rollout of the flag exposed it, and that a completed one goes on', () => {
    const state = stateOf();
    const stage = (startedAt: number, endedAt?: number) =>
      ({ startedAt, ...(endedAt !== undefined && { endedAt }) }) as RolloutState['history'][number];
    const other = { ...state, id: 'other', history: [stage(1, 2), stage(2, 5)] };
    const elsewhere = { ...other, id: 'elsewhere', plan: { ...state.plan, flag: 'another' } };
    const times = (phase: RolloutState['phase']) => exposedByOthers(state, [state, elsewhere, { ...other, phase }]);
    expect(times('cancelled')).toEqual([
      { fromAt: 1, toAt: 2 },
      { fromAt: 2, toAt: 5 },
    ]);
    expect(times('complete')).toEqual([{ fromAt: 1, toAt: 2 }, { fromAt: 2 }]);
  });
});
