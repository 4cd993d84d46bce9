import { OpenFeature } from '@openfeature/server-sdk';
import { type Context, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import type { RampartClient } from './client-options.ts';
import { BANNER, CHECKOUT, rulesetOf } from './control-plane.test.support.ts';
import { RampartProvider } from './openfeature-server.ts';
import {
  ArmBoundary,
  ArmSpanProcessor,
  armAttributesProcessor,
  armContext,
  EvaluationHook,
  trustedContext,
} from './otel.ts';

const SEARCH = { ...CHECKOUT, key: 'search' };
/** In treatment of `checkout`, and in control. */
const [ANNA, BERT] = [{ targetingKey: 'u1' }, { targetingKey: 'u5' }];
const setter = {
  set(carrier: Record<string, string>, key: string, value: string) {
    carrier[key] = value;
  },
};
const getter = { get: (carrier: Record<string, string>, key: string) => carrier[key], keys: Object.keys };

let client: RampartClient;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
});
beforeEach(() => {
  client = createClient({ bootstrap: rulesetOf(7, BANNER, CHECKOUT, SEARCH) });
});
afterEach(() => client.close());

const variantOf = (user: { readonly targetingKey: string }, flag = 'checkout') =>
  client.boolean(flag, false, user) ? 'on' : 'off';

describe('placements', () => {
  it('are those of a scope, or of a context, and say nothing of who the user is', () => {
    const scope = client.openScope(ANNA);
    expect(client.placements()).toEqual([]);
    scope.run(() => {
      client.boolean('checkout', false);
      client.string('banner', '');
    });
    const [one, ...rest] = client.placements(scope);
    expect(rest).toEqual([]);
    expect(one).toMatchObject({ flag: 'checkout', rollout: 'r1', variant: variantOf(ANNA) });
    expect(one?.evaluation).toBe(`r1/1/3/50000/${one?.arm}/${one?.bucket}`);
    expect(client.placements(ANNA).map(({ flag }) => flag)).toEqual(['checkout', 'search']);
    expect(client.placements(ANNA)[0]).toEqual(one);
    expect(JSON.stringify(client.placements(ANNA))).not.toContain('u1');
  });
});

describe('the evaluation hook', () => {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger('app');
  const told = () => exporter.getFinishedLogRecords().map(({ eventName, attributes }) => ({ eventName, attributes }));

  beforeEach(async () => {
    exporter.reset();
    await OpenFeature.setProviderAndWait('otel-test', new RampartProvider(client));
  });
  afterEach(() => OpenFeature.clearProviders());
  const evaluator = (options: ConstructorParameters<typeof EvaluationHook>[0] = {}) => {
    const features = OpenFeature.getClient('otel-test');
    features.clearHooks();
    return features.addHooks(new EvaluationHook({ logger, ...options }));
  };

  it('emits an event of the semantic conventions for each evaluation', async () => {
    await evaluator().getBooleanValue('checkout', false, ANNA);
    expect(told()).toEqual([
      {
        eventName: 'feature_flag.evaluation',
        attributes: {
          'feature_flag.key': 'checkout',
          'feature_flag.result.variant': variantOf(ANNA),
          'feature_flag.result.reason': 'split',
          'feature_flag.provider.name': 'rampart',
          'feature_flag.set.id': 'production',
          'feature_flag.version': '7',
        },
      },
    ]);
  });

  it('says what went wrong, and the value where there is no variant', async () => {
    await evaluator({ contextId: true }).getStringValue('missing', 'fallback', ANNA);
    expect(told()[0]?.attributes).toMatchObject({
      'feature_flag.result.value': 'fallback',
      'feature_flag.result.reason': 'error',
      'feature_flag.context.id': 'u1',
      'error.type': 'flag_not_found',
    });
  });

  it('may keep to flags in rollout, and a logger that fails does not fail the evaluation', async () => {
    await evaluator({ flags: 'rollouts' }).getStringValue('banner', 'x', ANNA);
    expect(told()).toEqual([]);
    const broken = { emit: () => expect.fail('no logger') };
    const { errorCode } = await evaluator({ logger: broken }).getBooleanDetails('checkout', false, ANNA);
    expect(errorCode).toBeUndefined();
  });

  it('stamps the span in which a flag in rollout is evaluated', async () => {
    const spans = new InMemorySpanExporter();
    const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }).getTracer(
      'app',
    );
    const features = evaluator();
    const span = tracer.startSpan('request');
    await context.with(trace.setSpan(context.active(), span), async () => {
      await features.getBooleanValue('checkout', false, ANNA);
      await features.getStringValue('banner', 'x', ANNA);
    });
    span.end();
    const stamped = { 'feature_flag.key': 'checkout', 'feature_flag.result.variant': variantOf(ANNA) };
    expect(spans.getFinishedSpans()[0]?.attributes).toEqual(stamped);
  });
});

describe('the arm', () => {
  /** What a counter of the application came to, by attributes. */
  async function recorded(options: Parameters<typeof armAttributesProcessor>[0], record: (count: () => void) => void) {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const views = [{ instrumentName: 'orders', attributesProcessors: [armAttributesProcessor(options)] }];
    const provider = new MeterProvider({ readers: [reader], views });
    const counter = provider.getMeter('app').createCounter('orders');
    record(() => counter.add(1, { method: 'card' }));
    await provider.forceFlush();
    const points = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
    await provider.shutdown();
    return points.map(({ attributes, value }) => ({ ...attributes, value }));
  }
  const inScope = (user: { readonly targetingKey: string }, flags: readonly string[], work: () => void) =>
    client.openScope(user).run(() => {
      for (const flag of flags) client.boolean(flag, false);
      work();
    });

  it('is stamped on metrics the application records in a scope, and on nothing outside of a rollout', async () => {
    const points = await recorded({ client }, (count) => {
      inScope(ANNA, ['checkout'], count);
      inScope(BERT, ['checkout'], count);
      inScope(BERT, ['banner'], count);
    });
    const arm = (user: typeof ANNA) => ({
      'feature_flag.key': 'checkout',
      'feature_flag.result.variant': variantOf(user),
    });
    expect(variantOf(ANNA)).not.toBe(variantOf(BERT));
    expect(points).toEqual([
      { method: 'card', ...arm(ANNA), value: 1 },
      { method: 'card', ...arm(BERT), value: 1 },
      { method: 'card', value: 1 },
    ]);
  });

  it('comes with the bucket of the user only where asked for', async () => {
    const bucket = client.placements(ANNA)[0]?.bucket;
    const points = await recorded({ client, bucket: true }, (count) => inScope(ANNA, ['checkout'], count));
    expect(points).toMatchObject([{ 'rampart.bucket': bucket }]);
  });

  it('is that of the flag named; without a name none, while several are in rollout', async () => {
    const both = ['checkout', 'search'];
    const named = await recorded({ client, flag: 'search' }, (count) => inScope(ANNA, both, count));
    expect(named).toMatchObject([
      { 'feature_flag.key': 'search', 'feature_flag.result.variant': variantOf(ANNA, 'search') },
    ]);
    expect(await recorded({ client }, (count) => inScope(ANNA, both, count))).toEqual([{ method: 'card', value: 1 }]);
  });

  it('is stamped on spans that start after the evaluation', () => {
    const exporter = new InMemorySpanExporter();
    const spanProcessors = [new ArmSpanProcessor({ client }), new SimpleSpanProcessor({ exporter })];
    const tracer = new TracerProvider({ spanProcessors }).getTracer('app');
    inScope(ANNA, ['checkout'], () => tracer.startSpan('query').end());
    tracer.startSpan('elsewhere').end();
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes)).toEqual([
      { 'feature_flag.key': 'checkout', 'feature_flag.result.variant': variantOf(ANNA) },
      {},
    ]);
  });

  const boundary = (options?: ConstructorParameters<typeof ArmBoundary>[1]) =>
    new ArmBoundary(new W3CBaggagePropagator(), options);
  const sent = (from: Context, propagator = boundary()) => {
    const headers: Record<string, string> = {};
    propagator.inject(from, headers, setter);
    return headers.baggage;
  };
  const armed = () => {
    let made = ROOT_CONTEXT;
    inScope(ANNA, ['checkout'], () => {
      made = armContext(
        client,
        propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ team: { value: 'a' } })),
      );
    });
    return made;
  };

  it('goes with baggage to services of yours alone, and never says who the user is', async () => {
    expect(sent(armed())).toBe('team=a');
    const headers = sent(trustedContext(armed()));
    expect(headers).toContain(`rampart.arm.checkout=${variantOf(ANNA)}`);
    expect(headers).not.toContain('u1');
    const arrived = boundary({ trustIncoming: true }).extract(ROOT_CONTEXT, { baggage: headers }, getter);
    const points = await recorded({ bucket: true }, (count) => context.with(arrived, count));
    expect(points).toMatchObject([
      { 'feature_flag.result.variant': variantOf(ANNA), 'rampart.bucket': client.placements(ANNA)[0]?.bucket },
    ]);
  });

  it('is not taken from strangers', async () => {
    const forged = { baggage: 'rampart.arm.checkout=on,team=b' };
    const arrived = boundary().extract(ROOT_CONTEXT, forged, getter);
    expect(
      propagation
        .getBaggage(arrived)
        ?.getAllEntries()
        .map(([key]) => key),
    ).toEqual(['team']);
    expect(boundary().fields()).toEqual(['baggage']);
    expect(await recorded({}, (count) => context.with(arrived, count))).toEqual([{ method: 'card', value: 1 }]);
  });
});
