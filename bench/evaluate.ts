import { EventEmitter } from 'node:events';
import { GrowthBookClient } from '@growthbook/growthbook';
import { FlagdCore } from '@openfeature/flagd-core';
import { compile, evaluate, type Flag } from '@rampart/flags';
import { do_not_optimize, measure } from 'mitata';
import { Unleash } from 'unleash-client';
import type { BenchResult } from './result.ts';

const COUNTRIES = ['DE', 'FR', 'IT', 'ES', 'NL'];
const OTHER_COUNTRIES = ['US', 'GB', 'JP', 'BR', 'IN', 'CA', 'SE', 'PL'];
const USERS = 4096;
const FLAG_COUNTS = [1, 1000];
const ROUNDS = 5;
const ROUND_CPU_NS = 300e6;

// Unleash types its constraint operators as an enum that it does not export; the data are those it reads from JSON.
type Repository = NonNullable<ConstructorParameters<typeof Unleash>[0]['repository']>;

type User = { readonly id: string; readonly country: string; readonly plan: string };

/** Whether flag `key` is on for the user with this index. */
type IsOn = (key: string, user: number) => boolean;

type Subject = {
  readonly name: string;
  readonly load: (
    keys: readonly string[],
    users: readonly User[],
  ) => { readonly isOn: IsOn; readonly close: () => void };
};

type Timing = { readonly medianNs: number; readonly bestNs: number; readonly p99Ns: number; readonly onShare: number };

const SUBJECTS: readonly Subject[] = [
  { name: 'rampart', load: loadRampart },
  { name: 'flagd-core', load: loadFlagd },
  { name: 'unleash-client', load: loadUnleash },
  { name: 'growthbook', load: loadGrowthbook },
];

/**
 * Time of one evaluation against three peers, one process, one flag shape: country in 5 or plan 'pro', 25 % of those.
 * Rounds of all subjects alternate, so that a slow moment of the machine meets all of them. Ratios are the worse of the
 * two ruleset sizes.
 */
export async function run(): Promise<BenchResult> {
  const users = makeUsers();
  const figures: Record<string, Record<string, Timing>> = {};
  for (const count of FLAG_COUNTS) figures[`flags=${count}`] = await timeAll(count, users);
  return { name: 'evaluate', ratios: ratiosOf(Object.values(figures)), figures };
}

function ratiosOf(sizes: readonly Readonly<Record<string, Timing>>[]): Record<string, number> {
  const ratios: Record<string, number> = { 'evaluate/fastest': 0 };
  for (const { name } of SUBJECTS.slice(1)) {
    const ratio = Math.max(...sizes.map((timings) => timings.rampart!.medianNs / timings[name]!.medianNs));
    ratios[`evaluate/${name}`] = ratio;
    ratios['evaluate/fastest'] = Math.max(ratio, ratios['evaluate/fastest']!);
  }
  return ratios;
}

async function timeAll(count: number, users: readonly User[]): Promise<Record<string, Timing>> {
  const keys = Array.from({ length: count }, (_, index) => `checkout-redesign-${index}`);
  const loaded = SUBJECTS.map(({ name, load }) => ({
    name,
    ...load(keys, users),
    rounds: [] as { p50: number; p99: number }[],
  }));
  const onShares = loaded.map(({ name, isOn }) => validate(name, isOn, keys, users));
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of loaded) subject.rounds.push(await time(subject.isOn, keys));
  }
  for (const subject of loaded) subject.close();
  return Object.fromEntries(
    loaded.map(({ name, rounds }, index) => {
      const medians = rounds.map((round) => round.p50).toSorted((a, b) => a - b);
      const p99Ns = Math.min(...rounds.map((round) => round.p99));
      return [name, { medianNs: medians[ROUNDS >> 1]!, bestNs: medians[0]!, p99Ns, onShare: onShares[index]! }];
    }),
  );
}

/** Each subject must do the whole work: 23-27 % of the users who match are on, and nobody else. */
function validate(name: string, isOn: IsOn, keys: readonly string[], users: readonly User[]): number {
  const tried = keys.slice(0, 20);
  let matching = 0;
  let on = 0;
  for (const key of tried) {
    for (const [index, user] of users.entries()) {
      const served = isOn(key, index);
      const matches = COUNTRIES.includes(user.country) || user.plan === 'pro';
      if (served && !matches) throw new Error(`${name}: '${key}' is on for user ${index}, who does not match the rule`);
      if (matches) matching += 1;
      if (served) on += 1;
    }
  }
  const share = on / matching;
  if (share < 0.23 || share > 0.27)
    throw new Error(`${name}: on for ${share} of the users who match; expected 0.23 to 0.27`);
  return share;
}

async function time(isOn: IsOn, keys: readonly string[]): Promise<{ p50: number; p99: number }> {
  let cursor = 0;
  let flag = 0;
  const stats = await measure(
    () => {
      cursor = (cursor + 1) & (USERS - 1);
      // A stride that is coprime to both sizes visits every flag, out of order.
      flag = (flag + 7) % keys.length;
      do_not_optimize(isOn(keys[flag]!, cursor));
    },
    { min_cpu_time: ROUND_CPU_NS, inner_gc: false },
  );
  return { p50: stats.p50, p99: stats.p99 };
}

function makeUsers(): readonly User[] {
  const countries = [...COUNTRIES, ...OTHER_COUNTRIES];
  return Array.from({ length: USERS }, (_, index) => {
    const hex = ((index * 2654435761) >>> 0).toString(16).padStart(8, '0');
    return {
      id: `${hex}-4c77-4daf-afab-${hex}${String(index).padStart(4, '0')}`,
      country: countries[index % countries.length]!,
      plan: index % 4 === 0 ? 'pro' : 'free',
    };
  });
}

function loadRampart(keys: readonly string[], users: readonly User[]): ReturnType<Subject['load']> {
  const flagOf = (key: string): Flag => ({
    key,
    enabled: true,
    variants: { on: true, off: false },
    defaultVariant: 'off',
    exposure: {
      rollout: key,
      attempt: 1,
      epoch: 1,
      treatment: 'on',
      control: 'off',
      layers: [{ segment: 'europe-or-pro', weight: 25_000 }],
      metrics: {},
    },
  });
  const compiled = compile({
    schema: 1,
    environment: 'bench',
    revision: 1,
    flags: Object.fromEntries(keys.map((key) => [key, flagOf(key)])),
    segments: {
      'europe-or-pro': {
        key: 'europe-or-pro',
        any: [
          [{ attribute: 'country', operator: 'oneOf', value: COUNTRIES }],
          [{ attribute: 'plan', operator: 'equals', value: 'pro' }],
        ],
      },
    },
  });
  const contexts = users.map(({ id, country, plan }) => ({ targetingKey: id, country, plan }));
  return { isOn: (key, user) => evaluate(compiled, key, false, contexts[user]!).value, close: () => undefined };
}

function loadFlagd(keys: readonly string[], users: readonly User[]): ReturnType<Subject['load']> {
  const flag = {
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'off',
    targeting: {
      if: [
        { or: [{ in: [{ var: 'country' }, COUNTRIES] }, { '==': [{ var: 'plan' }, 'pro'] }] },
        {
          fractional: [
            ['on', 25],
            ['off', 75],
          ],
        },
        'off',
      ],
    },
  };
  const core = new FlagdCore();
  core.setConfigurations(JSON.stringify({ flags: Object.fromEntries(keys.map((key) => [key, flag])) }));
  const contexts = users.map(({ id, country, plan }) => ({ targetingKey: id, country, plan }));
  return {
    isOn: (key, user) => core.resolveBooleanEvaluation(key, false, contexts[user]).value,
    close: () => undefined,
  };
}

function loadUnleash(keys: readonly string[], users: readonly User[]): ReturnType<Subject['load']> {
  const strategy = (key: string, contextName: string, values: string[]) => ({
    name: 'flexibleRollout',
    parameters: { rollout: '25', stickiness: 'userId', groupId: key },
    segments: [],
    constraints: [{ contextName, operator: 'IN', values, inverted: false, caseInsensitive: false }],
  });
  const features = keys.map((name) => ({
    name,
    enabled: true,
    strategies: [strategy(name, 'country', COUNTRIES), strategy(name, 'plan', ['pro'])],
  }));
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  const repository = Object.assign(new EventEmitter(), {
    getToggle: (key: string) => byName.get(key),
    getToggles: () => features,
    getTogglesWithSegmentData: () => features,
    getSegment: () => undefined,
    stop: () => undefined,
    start: async () => undefined,
  });
  const unleash = new Unleash({
    appName: 'bench',
    url: 'http://localhost/',
    disableMetrics: true,
    repository: repository as unknown as Repository,
  });
  repository.emit('ready');
  const contexts = users.map(({ id, country, plan }) => ({ userId: id, properties: { country, plan } }));
  return { isOn: (key, user) => unleash.isEnabled(key, contexts[user]), close: () => unleash.destroy() };
}

function loadGrowthbook(keys: readonly string[], users: readonly User[]): ReturnType<Subject['load']> {
  const feature = {
    defaultValue: false,
    rules: [
      {
        condition: { $or: [{ country: { $in: COUNTRIES } }, { plan: 'pro' }] },
        force: true,
        coverage: 0.25,
        hashAttribute: 'id',
        hashVersion: 2 as const,
      },
    ],
  };
  const client = new GrowthBookClient().initSync({
    payload: {
      features: Object.fromEntries(keys.map((key) => [key, { ...feature, rules: seeded(feature.rules, key) }])),
    },
  });
  const contexts = users.map((attributes) => ({ attributes }));
  return { isOn: (key, user) => client.isOn(key, contexts[user]!), close: () => client.destroy() };
}

/** Each flag takes its own quarter of the users. */
function seeded<T extends object>(rules: readonly T[], seed: string): (T & { seed: string })[] {
  return rules.map((rule) => ({ ...rule, seed }));
}
