import type { RolloutStats, TimeSpread } from '@rampart/rollout';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Figures about rollouts that stay the same from scrape to scrape unless something happened. Names of stages are not among them: they have no bound. */
export function addStatistics(read: () => Promise<RolloutStats>, registers: Registry[]): void {
  const spread = (name: string, help: string, of: (stats: RolloutStats) => TimeSpread) =>
    new Gauge({
      name,
      help,
      labelNames: ['quantile'],
      registers,
      async collect() {
        const { medianMs, p90Ms } = of(await read());
        this.reset();
        if (medianMs !== undefined) this.set({ quantile: '0.5' }, medianMs / 1000);
        if (p90Ms !== undefined) this.set({ quantile: '0.9' }, p90Ms / 1000);
      },
    });
  spread(
    'rampart_rollout_time_to_ga_seconds',
    'Time from the start of a rollout to everyone exposed, over rollouts that came that far.',
    ({ timeToGa }) => timeToGa,
  );
  spread(
    'rampart_rollout_abort_to_off_seconds',
    'Time from the decision to abort to its confirmation by every connected SDK.',
    ({ breachToOff }) => breachToOff,
  );
  const counter = (name: string, help: string, of: (stats: RolloutStats) => number) =>
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const value = of(await read());
        this.reset();
        this.inc(value);
      },
    });
  counter('rampart_rollout_retries_total', 'Rollouts that needed a second attempt.', ({ retries }) => retries.needed);
  counter('rampart_rollout_overrides_total', 'Overrides by people.', ({ overrides }) => overrides.n);
  counter(
    'rampart_rollout_people_exposed_to_aborted_total',
    'People who had seen a feature that was aborted, at most.',
    ({ exposedToAborted }) => exposedToAborted.people,
  );
  counter(
    'rampart_rollout_people_spared_total',
    'People measured without a feature that was aborted: at 100 % they would have seen it.',
    ({ spared }) => spared.people,
  );
  new Counter({
    name: 'rampart_rollout_aborts_total',
    help: 'Aborts by what caused them.',
    labelNames: ['cause'],
    registers,
    async collect() {
      const { byCause } = (await read()).aborts;
      this.reset();
      for (const [cause, n] of Object.entries(byCause)) this.inc({ cause }, n);
    },
  });
  new Counter({
    name: 'rampart_rollout_holds_total',
    help: 'Times a rollout stood still, by why.',
    labelNames: ['reason'],
    registers,
    async collect() {
      const { holds } = await read();
      this.reset();
      for (const [reason, { n }] of Object.entries(holds)) this.inc({ reason }, n);
    },
  });
}
