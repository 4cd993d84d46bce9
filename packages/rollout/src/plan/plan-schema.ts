import { z } from 'zod';

const limit = z
  .union([z.number(), z.string()])
  .describe('1%, $0.50, 2s, 10 per 24h, baseline + 0.5%, 1.5x control, stable, no spike, or a bare number');
const percentage = z.union([z.number(), z.string()]).describe('Percentage, precise to 0.001 %: 0.5 or "0.5%"');
const duration = z.string().describe('24h, 30m, 10s, 500ms, 1d, 2w, 1d12h');
const strings = z.array(z.string());

const check = z.strictObject({
  metric: z.string(),
  limit,
  margin: z.string().optional().describe('Pass line of a limit at its reference: 1.2x or 1%'),
  optional: z.boolean().optional().describe('Leave out when no source measures the metric'),
  attribution: z.enum(['any', 'required']).optional().describe('required: hold and page when control breaches too'),
  weight: z.number().positive().optional().describe('Relative weight in the family of fail sides'),
});

const alert = z.strictObject({
  alert: z.string().min(1).max(100).describe('An alert of your monitoring, by its name: aborts when it fires'),
  labels: z.record(z.string(), z.string()).optional().describe('Labels it must have as well'),
});

const trip = check.extend({
  window: duration.optional().describe('Window of the plain rule. Default: 5m'),
  minSample: z
    .int()
    .positive()
    .optional()
    .describe('Observations the plain rule needs. Default: 50; for a quantile as many as put 5 beyond it'),
});

const gateName = z.string().optional().describe('Name in messages. Default: host of the webhook, or the signal');
const every = duration.optional().describe('How often it is asked. Default: 30s');
const webhookGate = z.strictObject({
  webhook: z.string().describe('Address that is asked: 2xx opens the gate, anything else closes it'),
  name: gateName,
  secretRef: z.string().optional().describe('Variable of the server with the secret that questions are signed with'),
  every,
  timeout: duration.optional().describe('How long an answer may take. Default: 10s'),
  when: z.enum(['advance', 'during']).optional().describe('Default: advance'),
});
const signalGate = z.strictObject({
  signal: z.string().describe('Named state that other systems set through a hook, or people by rampart gate'),
  name: gateName,
  every,
  maxAge: duration.optional().describe('How long what was said last counts; after it the gate is closed'),
  default: z.enum(['open', 'closed']).optional().describe('Before anyone has said anything. Default: closed'),
  when: z.enum(['advance', 'during']).optional().describe('Default: advance'),
});
const anyTime = z
  .enum(['start', 'advance', 'during', 'rollback'])
  .optional()
  .describe('start: before stage 1. rollback: a webhook that answers 2xx, or a closed signal, aborts');
const planGate = z.union([webhookGate.extend({ when: anyTime }), signalGate.extend({ when: anyTime })]);

const gateItem = z.union([
  check,
  z.strictObject({ confirm: z.string().min(1) }),
  z.strictObject({ stage: z.string() }),
  webhookGate,
  signalGate,
]);
const shortChecks = z.record(z.string(), limit).describe('Metric to limit');
const checks = z.union([shortChecks, z.array(check)]);
const abortChecks = z.union([shortChecks, z.array(z.union([check, alert]))]);

const stage = z.strictObject({
  name: z.string(),
  audience: z.string().optional().describe('Segment; absent: everyone'),
  percentage,
  duration: duration.optional().describe('Minimum time, or permanent for the last stage'),
  gate: z.array(gateItem).optional().describe('Default: the abort criteria'),
  onFail: z.enum(['fix', 'rollback', 'hold', 'extend']).optional(),
  onInconclusive: z.enum(['hold', 'extend']).optional(),
  maxDuration: duration.optional().describe('Default: three times the duration'),
  holdback: percentage.optional().describe('Share kept on the old variant at 100 %'),
  monitor: duration.optional().describe('Quiet time at the end before the exit gate. Default: 2w'),
});

const metric = z
  .object({
    kind: z.enum(['proportion', 'mean', 'ratio', 'quantile', 'rate', 'count']).optional(),
    unit: z.string().optional().describe('Unit of the value, or what one observation is: request, query, user, day'),
    harm: z.enum(['higher', 'lower']).optional(),
    per: z.string().optional(),
    quantile: z.number().gt(0).lt(1).optional(),
    source: z.string().optional().describe('telemetry, or the name of a connector'),
    lag: duration.optional(),
    designEffect: z.number().min(1).optional(),
  })
  .catchall(z.unknown());

const amount = z.union([z.number(), z.string()]);
const judge = z.strictObject({
  goldenSet: z.string().describe('Name of the golden set, with its version'),
  items: z.int().positive().optional().describe('Least items of it to score. Default: 30'),
  expected: amount.describe("Mean score of the golden set (0.92, 40%), or labels: each score comes with people's own"),
  tolerance: amount.describe('Largest distance that is no drift: 0.03, 5%'),
  maxAge: duration.optional().describe("How long before a stage's start a calibration may be. Default: 24h"),
  budget: amount.optional().describe('What judging may cost over the rollout: $20'),
});

const owners = z.strictObject({
  operator: z.string().optional(),
  observer: z.string().optional(),
  analyst: z.string().optional(),
  stakeholders: z.union([z.string(), strings]).optional(),
});

const killSwitch = z.strictObject({
  flag: z.string().describe('Its own flag: true means killed'),
  autoTrip: z.boolean().optional().describe('false: propose, a person trips it'),
  trip: z.array(trip).optional(),
  tripConditions: shortChecks.optional(),
});

const preflightItem = z.strictObject({
  item: z.string().min(1).max(200).describe('Name of the item'),
  hook: z.string().optional().describe('Given by a signed delivery to this hook of the server'),
  url: z.string().optional().describe('Given while this address answers'),
  expect: z.int().min(100).max(599).optional().describe('Status it must answer with. Default: any from 200 to 299'),
  source: z.string().optional().describe('Source of the server that answers the query'),
  query: z.string().min(1).max(4000).optional().describe('Given while it returns at least one series'),
  requires: z.literal('evidence').optional().describe('A person gives it, with a link'),
  maxAge: duration.optional().describe('Evidence older than this is asked anew'),
  within: duration.optional().describe('Of rollback-tested: how long SDKs may take to follow. Default: 30s'),
});

const freeze = z.union([z.string(), z.strictObject({ from: z.string(), to: z.string() })]);

const calendar = z.strictObject({
  advance: z.string().optional().describe('Mon-Thu 09:00-16:00 Europe/Paris'),
  freeze: z.array(freeze).optional().describe('2026-12-18..2027-01-04'),
  timeZone: z.string().optional(),
});

const oneOrMore = <T extends z.ZodType<string>>(item: T) => z.union([item, z.array(item).min(1)]);

/** A route of messages as a plan writes it; the server's own routes have more keys. */
export const notifyRouteSchema = z.strictObject({
  channel: z.string().min(1).describe('Name of a channel of the server'),
  events: oneOrMore(
    z.string().regex(/^[a-z][a-z-]*\.(?:\*|[a-z][a-z-]*)$/, 'expected a type such as rollout.aborted or stage.*'),
  )
    .optional()
    .describe('rollout.aborted, stage.*. Default: all'),
  severity: oneOrMore(z.enum(['page', 'warn', 'info']))
    .optional()
    .describe('Default: all'),
  audience: oneOrMore(z.enum(['on-call', 'stakeholders']))
    .optional()
    .describe('Default: everyone'),
  digest: duration.optional().describe('Gather for this long, send as one message: 15m. A page never waits'),
});
const notifyEntry = z.union([z.string().min(1), notifyRouteSchema]);
const notify = z.union([z.string().min(1), notifyRouteSchema, z.array(notifyEntry)]);

const retry = z.strictObject({
  cooldown: duration.optional(),
  limit: z.int().min(0).optional(),
  people: z.enum(['same', 'fresh']).optional(),
});

const tracker = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().min(1).describe('Name of a tracker in the settings of the server'),
    project: z.string().min(1).optional().describe('Default: the one of the settings'),
    title: z.string().min(1).optional().describe('Default: Release: TITLE Progressive Rollout'),
    priority: z.int().min(0).max(4).optional().describe('0 none, 1 urgent, 2 high, 3 medium, 4 low. Default: 2'),
    labels: strings.optional().describe('Default: release'),
    state: z.string().min(1).optional().describe('State while it runs. Default: In Progress'),
  }),
]);

/** The shape of a plan document, short and long form alike; meanings (limits, durations, order of stages) are checked after it. */
export const planSchema = z.strictObject({
  $schema: z.string().optional(),
  flag: z.string().optional(),
  flagName: z.string().optional().describe('The flag, in the short form'),
  version: z.union([z.string(), z.int()]).optional().describe('Build, prompt or model version'),
  title: z.string().optional(),
  environment: z.string().optional(),
  owners: owners.optional(),
  preflight: z.array(z.union([z.string(), preflightItem])).optional(),
  baseline: z.strictObject({ window: duration.optional() }).optional(),
  metrics: z.record(z.string(), metric).optional(),
  judges: z.record(z.string(), judge).optional().describe('Judges to calibrate, by the metric they score'),
  stages: z.array(stage),
  abortCriteria: abortChecks.optional(),
  alerts: checks.optional(),
  killSwitch: killSwitch.optional(),
  retry: retry.optional(),
  calendar: calendar.optional(),
  gates: z.array(planGate).optional().describe('External gates of the start and of every stage'),
  stuckAfter: duration.optional().describe('Waiting longer than this for other than time is told. Default: 24h'),
  exit: strings.optional(),
  notify: notify.optional().describe('Channels of the server that are told of this rollout'),
  tracker: tracker.optional().describe('Where an issue is kept of the rollout'),
  next: z.unknown().optional(),
  variants: z.strictObject({ treatment: z.string().optional(), control: z.string().optional() }).optional(),
  timeScale: z.number().gt(0).max(1).optional(),
  override: z.string().min(1).optional(),
  blindLimit: duration.optional(),
  onBlind: z.enum(['hold', 'rollback']).optional(),
  fourEyes: z.boolean().optional(),
  alpha: z.number().gt(0).max(0.5).optional(),
  beta: z.number().gt(0).max(0.5).optional(),
});

/** A plan document whose shape has been checked. */
export type RawPlan = z.output<typeof planSchema>;
/** One stage as written. */
export type RawStage = z.output<typeof stage>;
/** One check as written in the long form. */
export type RawCheck = z.output<typeof check>;
/** One external gate as written. */
export type RawGate = z.output<typeof planGate>;
/** One kill trip as written in the long form. */
export type RawTrip = z.output<typeof trip>;
/** An alert as an abort criterion, as written. */
export type RawAlert = z.output<typeof alert>;
/** Alerts or abort criteria as written, as a map or as a list; only abort criteria name alerts of a monitoring system. */
export type RawChecks = z.output<typeof abortChecks>;
/** One metric as written. */
export type RawMetric = z.output<typeof metric>;
/** One pre-flight item as written, where it is more than its name. */
export type RawPreflightItem = z.output<typeof preflightItem>;
/** One judge as written. */
export type RawJudge = z.output<typeof judge>;
/** `notify` as written. */
export type RawNotify = z.output<typeof notify>;
/** One route of messages as written. */
export type RawNotifyRoute = z.output<typeof notifyRouteSchema>;
/** The calendar as written. */
export type RawCalendar = z.output<typeof calendar>;
/** The kill switch as written. */
export type RawKillSwitch = z.output<typeof killSwitch>;

type ReadonlyDeep<T> = T extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T;

/** A plan as TypeScript writes it: what `defineRollout` takes. */
export type RolloutConfig = ReadonlyDeep<z.input<typeof planSchema>>;

/** Gives `config` back, checked by the compiler: for plans written in TypeScript. Its meaning is checked by `planFromObject`. */
export function defineRollout<const Config extends RolloutConfig>(config: Config): Config {
  return config;
}

/** JSON Schema (draft 2020-12) of a plan document, for editors. */
export function planJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'Rampart rollout plan', ...z.toJSONSchema(planSchema, { io: 'input' }) };
}
