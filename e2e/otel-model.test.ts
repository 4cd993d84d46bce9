import { type EvaluationDetails, StandardResolutionReasons } from '@openfeature/server-sdk';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evidenceOf, type OtelSite, openOtelSite } from './otel-site.ts';

const planOf = (flag: string) => `
flag: ${flag}
timeScale: 0.0005
preflight: []
baseline: { window: 1h }
metrics:
  tokensPerQuery: { source: otlp, signal: traces }
  timeToFirstToken: { source: otlp, signal: traces }
stages:
  - { name: canary, percentage: 50, duration: 48h, gate: [ { metric: timeToFirstToken, limit: 2s }, { metric: tokensPerQuery, limit: 1.5x control } ] }
  - { name: ga, percentage: 100, duration: permanent }
killSwitch: { flag: ${flag}-kill, autoTrip: true, trip: [ { metric: hallucinationRate, limit: 15% } ] }
`;

const CASES = [
  ['json', JsonLogs, JsonTraces],
  ['protobuf', ProtobufLogs, ProtobufTraces],
] as const;
const ARMS = { on: 'treatment', off: 'control' } as const;
type Counted = { calls: number; tokens: number; firstTokens: number; hallucinations: number };

describe('an app that calls a model, with spans and evaluations of OpenTelemetry', { timeout: 120_000 }, () => {
  let site: OtelSite;
  beforeAll(async () => {
    site = await openOtelSite('model');
  });
  afterAll(() => site.close());

  it.each(CASES)(
    'in %s: arms agree with its own counters, and hallucinations trip the kill switch',
    async (encoding, Logs, Traces) => {
      const flag = `assistant-${encoding}`;
      const { state } = await site.api.createRollout({ text: planOf(flag) });
      await site.api.command(state.id, { type: 'Start' });
      const headers = { authorization: `Bearer ${await site.ingestToken(flag)}` };
      const logs = new LoggerProvider({
        processors: [new BatchLogRecordProcessor({ exporter: new Logs({ url: `${site.url}/v1/logs`, headers }) })],
      });
      const traces = new TracerProvider({
        spanProcessors: [new BatchSpanProcessor({ exporter: new Traces({ url: `${site.url}/v1/traces`, headers }) })],
      });
      const [tracer, logger] = [traces.getTracer('assistant'), logs.getLogger('judge')];
      const counted: Record<string, Counted> = {};
      let calls = 0;

      const answer = ({ variant = 'none', reason = '' }: EvaluationDetails<boolean>, isHallucination: boolean) => {
        const said = {
          'feature_flag.key': flag,
          'feature_flag.result.variant': variant,
          'feature_flag.result.reason': reason.toLowerCase(),
        };
        const own = counted[variant] ?? { calls: 0, tokens: 0, firstTokens: 0, hallucinations: 0 };
        counted[variant] = own;
        const [input, output] = [100 + (calls % 7), 20 + (calls % 3)];
        const firstToken = 0.25 + (calls % 4) / 8;
        tracer
          .startSpan('chat', {
            attributes: {
              ...said,
              'gen_ai.operation.name': 'chat',
              'gen_ai.usage.input_tokens': input,
              'gen_ai.usage.output_tokens': output,
              'gen_ai.response.time_to_first_chunk': firstToken,
            },
          })
          .end();
        logger.emit({
          eventName: 'gen_ai.evaluation.result',
          attributes: {
            ...said,
            'gen_ai.evaluation.name': 'hallucination',
            'gen_ai.evaluation.score.value': isHallucination ? 1 : 0,
          },
        });
        // What was served by the ruleset of before while the stage had begun counts for neither arm.
        if (reason !== StandardResolutionReasons.SPLIT) return;
        own.calls += 1;
        own.tokens += input + output;
        own.firstTokens += firstToken;
        own.hallucinations += isHallucination ? 1 : 0;
      };
      const serve = async (count: number, hallucinatesWhenOn: boolean) => {
        for (let i = 0; i < count; i += 1) {
          calls += 1;
          const details = await site.client.getBooleanDetails(flag, false, { targetingKey: `user-${calls}` });
          answer(details, details.value && hallucinatesWhenOn && calls % 2 === 0);
        }
        await Promise.all([logs.forceFlush(), traces.forceFlush()]);
      };
      const phase = async () => (await site.api.getRollout(state.id)).state.phase;
      try {
        while ((await phase()) !== 'exposing') await serve(20, false);
        const { epoch } = (await site.api.getRollout(state.id)).state;
        for (let round = 0; round < 5; round += 1) await serve(100, false);
        for (const [variant, arm] of Object.entries(ARMS)) {
          const own = counted[variant]!;
          const of = (metric: string) => evidenceOf(site.api, state.id, metric, arm, epoch);
          await expect
            .poll(async () => (await of('tokensPerQuery')).count, { timeout: 20_000, interval: 50 })
            .toBe(own.calls);
          expect(await of('tokensPerQuery')).toMatchObject({ count: own.calls, sum: own.tokens });
          expect(await of('timeToFirstToken')).toMatchObject({ count: own.calls, sum: own.firstTokens });
          expect(await of('hallucinationRate')).toMatchObject({ count: own.calls, sum: own.hallucinations });
        }
        while ((await phase()) === 'exposing') await serve(50, true);
        const { state: ended } = await site.api.getRollout(state.id);
        expect(ended).toMatchObject({ phase: 'aborted', killed: true });
        expect(ended.incidents[0]).toMatchObject({ kind: 'kill', verdict: { metric: 'hallucinationRate' } });
      } finally {
        await Promise.all([logs.shutdown(), traces.shutdown()]);
      }
    },
  );
});
