import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { countedValue, printedValue, printedWithin, TITLES } from './catalog-report.ts';
import {
  CATALOG_METRICS,
  type CatalogMetric,
  FORMS,
  HEALTHY,
  type PlanParts,
  planOf,
  ROWS,
  type Row,
} from './catalog-rows.ts';
import { type CatalogRollout, CatalogSite, STEP_SECONDS } from './catalog-site.ts';

let site: CatalogSite;
let seed = 0;

beforeAll(async () => {
  site = await CatalogSite.open();
});
afterAll(async () => {
  expect(await site.close()).toEqual([]);
});

/** A rollout of its own, ended with the test. Only one with a whole day of baseline has days and nights. */
async function start(row: Row, limit: string, parts: PlanParts = {}): Promise<CatalogRollout> {
  seed += 1;
  const flag = `feature-${seed}`;
  const isDiurnal = parts.baseline === '24h';
  const rollout = await site.start(planOf(flag, row, limit, parts), flag, { seed, isDiurnal });
  onTestFinished(() => rollout.end());
  return rollout;
}

const UNEVENTFUL = ['StageEntered', 'StagePassed', 'StageEntered', 'MonitoringStarted', 'RolloutCompleted'];

describe.each(ROWS)('$metric', (row) => {
  const { metric, alert, alertId } = row;
  const only = (value: number) => ({ ...HEALTHY, [metric]: value });

  it(`beyond ${alert} alerts once and holds, lowers nothing, and goes on when the breach is over`, async () => {
    const rollout = await start(row, row.abort.baseline);
    await rollout.until(() => rollout.stage === 'canary', HEALTHY);
    const { layers } = rollout.state;
    const isHeldByAlertAlone = async () => String((await rollout.view()).waitingFor) === `alert ${alertId} to clear`;
    await rollout.until(isHeldByAlertAlone, only(row.alerting), 12);
    expect(rollout.state).toMatchObject({ phase: 'exposing', layers, alerting: [alertId] });
    expect(await rollout.events()).toEqual(['StageEntered', 'AlertRaised']);
    const { text, tables } = await rollout.report();
    expect(text).toContain(`- [x] Hold\n- [ ] Rollback\n\nWhy: alert ${alertId} fails.`);
    expect(tables[TITLES[metric]]?.canary?.status).toBe('❌ Fail');

    await rollout.until(() => rollout.stage === 'ga', HEALTHY, 40);
    expect(await rollout.events()).toEqual([
      ...['StageEntered', 'AlertRaised', 'AlertCleared'],
      ...['StagePassed', 'StageEntered', 'MonitoringStarted'],
    ]);
    const raised = await rollout.told('alert.raised');
    expect(raised.map(({ data }) => data.data)).toEqual([
      { check: alertId, metric, limit: alert, value: expect.any(Number) },
    ]);
    const cleared = await rollout.told('alert.cleared');
    expect(cleared.map(({ data }) => data.data)).toEqual([{ check: alertId }]);
  });

  it.each(FORMS)('beyond an abort limit (%s) aborts, and is what the incident names', async (form) => {
    const limit = row.abort[form];
    const rollout = await start(row, limit);
    await rollout.until(() => rollout.stage === 'canary', HEALTHY);
    await rollout.until(() => rollout.stage === 'aborted', only(row.aborting), 8);
    const reason = `${metric} breaches ${limit}`;
    expect(rollout.state).toMatchObject({ layers: [], incidents: [{ kind: 'criterion', reason, stage: 'canary' }] });
    expect(rollout.users.isAnyoneExposed).toBe(false);
    expect(await rollout.incident(1)).toContain(`because an abort criterion failed: ${reason}.`);
    const aborted = await rollout.told('rollout.aborted');
    const failed = [expect.stringMatching(`^abort:${metric}:`), expect.stringMatching(`^gate:${metric}:`)];
    expect(aborted.map(({ data }) => data.data)).toMatchObject([{ kind: 'criterion', reason, failed }]);
  });

  it(`as good as control's leads to nothing, by day and by night, where ${alert} even aborts`, async () => {
    const rollout = await start(row, alert, { baseline: '24h', holdback: 20 });
    await rollout.until(() => rollout.state.phase === 'complete', HEALTHY, 40);
    expect(await rollout.events()).toEqual(UNEVENTFUL);
    expect(await rollout.told('alert.raised')).toEqual([]);
  });
});

function expectPrinted(metric: CatalogMetric, cell: string, value: number): void {
  const off = Math.abs(printedValue(metric, cell) / value - 1);
  expect(off, `${metric}: ${cell} is printed, ${value} was counted`).toBeLessThan(printedWithin(metric));
}

describe('every metric at once', () => {
  const row = ROWS.find(({ metric }) => metric === 'throughput')!;

  // A day's average is no line for a night: the baseline knows its hours.
  it('as good as before leads to nothing by day and by night at 100 %, where there is no control', async () => {
    const rollout = await start(row, row.abort.baseline, { baseline: '24h' });
    await rollout.until(() => rollout.state.phase === 'complete', HEALTHY, 40);
    expect(await rollout.events()).toEqual(UNEVENTFUL);
  });

  it('is in the report with what the application counted, by stage', async () => {
    const rollout = await start(row, row.abort.baseline);
    const steps = new Map<string, number>();
    const isComplete = () => {
      steps.set(rollout.stage, (steps.get(rollout.stage) ?? 0) + 1);
      return rollout.state.phase === 'complete';
    };
    await rollout.until(isComplete, HEALTHY);
    const counted = (metric: CatalogMetric, stage: string, variant: 'old' | 'new', share: number) => {
      const seconds = STEP_SECONDS * share * (steps.get(stage) ?? 0);
      return countedValue(metric, rollout.users.countedIn(stage, variant), seconds);
    };
    const { tables } = await rollout.report();
    const others = CATALOG_METRICS.filter((metric) => metric !== 'throughput');
    expect(Object.keys(tables), 'those that are judged first').toEqual(
      ['throughput' as const, ...others].map((metric) => TITLES[metric]),
    );
    for (const metric of CATALOG_METRICS) {
      const table = tables[TITLES[metric]]!;
      expect(Object.keys(table)).toEqual(['canary', 'ga']);
      for (const [stage, share] of [
        ['canary', 0.5],
        ['ga', 1],
      ] as const) {
        const { baseline, observed, status } = table[stage]!;
        expect(status).toBe('✅ Pass');
        expectPrinted(metric, baseline, counted(metric, 'baseline', 'old', 1));
        expectPrinted(metric, observed, counted(metric, stage, 'new', share));
      }
    }
  });
});
