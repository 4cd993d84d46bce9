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

const gateItem = z.union([
  check,
  z.strictObject({ confirm: z.string().min(1) }),
  z.strictObject({ stage: z.string() }),
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

const freeze = z.union([z.string(), z.strictObject({ from: z.string(), to: z.string() })]);

const calendar = z.strictObject({
  advance: z.string().optional().describe('Mon-Thu 09:00-16:00 Europe/Paris'),
  freeze: z.array(freeze).optional().describe('2026-12-18..2027-01-04'),
  timeZone: z.string().optional(),
});

const retry = z.strictObject({
  cooldown: duration.optional(),
  limit: z.int().min(0).optional(),
  people: z.enum(['same', 'fresh']).optional(),
});

const handover = z.strictObject({
  name: z.string().min(1).optional().describe('Default: the command, or webhook'),
  webhook: z.string().optional().describe('URL that the summary and the report are posted to'),
  secretRef: z.string().min(1).optional().describe('Environment variable of the server with the secret of the webhook'),
  command: z.string().min(1).optional().describe('Command by its name in the settings of the server'),
});

const cleanup = z.strictObject({
  after: duration.optional().describe('How long after the quiet time the flag goes. Default: 30d'),
  owner: z.string().optional().describe('Who removes it. Default: owners.operator'),
});

/** The shape of a plan document, short and long form alike; meanings (limits, durations, order of stages) are checked after it. */
export const planSchema = z.strictObject({
  $schema: z.string().optional(),
  flag: z.string().optional(),
  flagName: z.string().optional().describe('The flag, in the short form'),
  version: z.union([z.string(), z.int()]).optional().describe('Build, prompt or model version'),
  title: z.string().optional(),
  environment: z.string().optional(),
  owners: owners.optional(),
  preflight: strings.optional(),
  baseline: z.strictObject({ window: duration.optional() }).optional(),
  metrics: z.record(z.string(), metric).optional(),
  judges: z.record(z.string(), judge).optional().describe('Judges to calibrate, by the metric they score'),
  stages: z.array(stage),
  abortCriteria: abortChecks.optional(),
  alerts: checks.optional(),
  killSwitch: killSwitch.optional(),
  retry: retry.optional(),
  calendar: calendar.optional(),
  exit: strings.optional(),
  cleanup: cleanup.optional().describe('Schedules the removal of the flag by itself'),
  notify: z.unknown().optional(),
  tracker: z.unknown().optional(),
  next: z
    .union([z.array(handover), handover])
    .optional()
    .describe('Who is told once the rollout is complete'),
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
/** One kill trip as written in the long form. */
export type RawTrip = z.output<typeof trip>;
/** An alert as an abort criterion, as written. */
export type RawAlert = z.output<typeof alert>;
/** Alerts or abort criteria as written, as a map or as a list; only abort criteria name alerts of a monitoring system. */
export type RawChecks = z.output<typeof abortChecks>;
/** One metric as written. */
export type RawMetric = z.output<typeof metric>;
/** One judge as written. */
export type RawJudge = z.output<typeof judge>;
/** A step of `next` as written. */
export type RawHandover = z.output<typeof handover>;
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
