import {
  type Attributes,
  baggageEntryMetadataFromString,
  type Context,
  context as contexts,
  diag,
  propagation,
} from '@opentelemetry/api';
import type { Placement, RampartClient } from './client-options.ts';
import { ATTRIBUTE, BAGGAGE_PREFIX } from './otel-names.ts';

/** Which arm is stamped on telemetry. */
export type ArmOptions = {
  /** Knows the flags in rollout that were evaluated in the scope of the caller. Without it only baggage says so. */
  readonly client?: Pick<RampartClient, 'placements'>;
  /**
   * Key of the flag to stamp. Default: the one in rollout; while there are several, none is stamped, as telemetry takes one
   * flag only (give each its own View).
   */
  readonly flag?: string;
  /**
   * Also stamps the user's bucket in [0, 64) as `rampart.bucket`, so that checks know that requests of one user belong
   * together. It multiplies the series of a metric by up to 64. Default: false.
   */
  readonly bucket?: boolean;
};

type Arm = Pick<Placement, 'flag' | 'variant'> & { readonly bucket?: number };

const BUCKET = /(?:^|;)\s*bucket=(\d{1,2})(?:;|$)/;

/** Arms that came with the context, from this process or one before it. */
function armsIn(context: Context): readonly Arm[] {
  const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
  return entries.flatMap(([key, { value, metadata }]) => {
    if (!key.startsWith(BAGGAGE_PREFIX)) return [];
    const bucket = BUCKET.exec(metadata?.toString() ?? '')?.[1];
    const flag = key.slice(BAGGAGE_PREFIX.length);
    return [{ flag, variant: value, ...(bucket !== undefined && { bucket: Number(bucket) }) }];
  });
}

/** Every arm known here, by flag; what was evaluated in this process wins. */
function armsOf(context: Context, client: ArmOptions['client']): ReadonlyMap<string, Arm> {
  const all = [...armsIn(context), ...(client?.placements() ?? [])];
  return new Map(all.map((arm) => [arm.flag, arm]));
}

let hasWarned = false;

function warnOfSeveral(flags: Iterable<string>): void {
  if (hasWarned) return;
  hasWarned = true;
  diag.warn(`@rampart/sdk: ${[...flags].join(', ')} are in rollout at once; give "flag" the one to stamp. Told once.`);
}

function armToStamp(context: Context, { client, flag }: ArmOptions): Arm | undefined {
  const arms = armsOf(context, client);
  if (flag !== undefined) return arms.get(flag);
  if (arms.size > 1) warnOfSeveral(arms.keys());
  return arms.size === 1 ? [...arms.values()][0] : undefined;
}

/** Attributes of the arm in force; empty where nobody is in a rollout. Never throws. */
function armAttributes(context: Context, options: ArmOptions): Attributes {
  try {
    const arm = armToStamp(context, options);
    if (arm === undefined) return {};
    const attributes: Attributes = { [ATTRIBUTE.key]: arm.flag, [ATTRIBUTE.variant]: arm.variant };
    if (options.bucket === true && arm.bucket !== undefined) attributes[ATTRIBUTE.bucket] = arm.bucket;
    return attributes;
  } catch (error) {
    diag.error('@rampart/sdk: the arm of a user could not be stamped', error);
    return {};
  }
}

/**
 * For `attributesProcessors` of a View of the OpenTelemetry metrics SDK: adds `feature_flag.key` and
 * `feature_flag.result.variant` to what the application records anyway, for users in a rollout.
 */
export function armAttributesProcessor(options: ArmOptions = {}): {
  process(incoming: Attributes, context?: Context): Attributes;
} {
  return {
    process: (incoming, context = contexts.active()) => ({ ...incoming, ...armAttributes(context, options) }),
  };
}

/** The part of a span that is stamped. */
type StampedSpan = { setAttributes(attributes: Attributes): unknown };

/**
 * Span processor that stamps the arm on every span that starts after the evaluation; `EvaluationHook` stamps the one in
 * which it happens.
 */
export class ArmSpanProcessor {
  readonly #options: ArmOptions;

  constructor(options: ArmOptions = {}) {
    this.#options = options;
  }

  onStart(span: StampedSpan, context: Context): void {
    const attributes = armAttributes(context, this.#options);
    if (Object.keys(attributes).length > 0) span.setAttributes(attributes);
  }

  onEnd(): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * The context with the arms of the user in its baggage, for work that leaves the scope they were evaluated in: another
 * service of yours, a queue. Only flags in rollout are in it: variant and bucket, never who the user is.
 *
 * @param context Default: the active one.
 */
export function armContext(client: Pick<RampartClient, 'placements'>, context: Context = contexts.active()): Context {
  let baggage = propagation.getBaggage(context) ?? propagation.createBaggage();
  for (const { flag, variant, bucket } of client.placements()) {
    const metadata = baggageEntryMetadataFromString(`bucket=${bucket}`);
    baggage = baggage.setEntry(BAGGAGE_PREFIX + flag, { value: variant, metadata });
  }
  return propagation.setBaggage(context, baggage);
}
