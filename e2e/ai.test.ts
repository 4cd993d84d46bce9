import { generateText, streamText, wrapLanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../bench/system-world.ts';
import { AiSite, type Ask, complete, refusalOf, startChatServer, streamed } from './ai-site.ts';

const MODEL = 'gpt-4o-mini';
/** $0.15 per million tokens in, $0.60 out: 1000 + 100 tokens and 2000 + 500 tokens. */
const OLD = { prompt: 1000, completion: 100, firstTokenMs: 120, cost: 0.00021 } as const;
const NEW = { prompt: 2000, completion: 500, firstTokenMs: 480, cost: 0.0006 } as const;
const answerOf = (isNew: boolean) => (isNew ? NEW : OLD);

const plan = (checks: string) => (flag: string) =>
  `
flag: ${flag}
version: prompt-7
preflight: [launch-readiness]
baseline: { window: 4h }
stages:
  - { name: canary, percentage: 50, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h }
alerts: []
${checks.replace('FLAG', flag)}`;

const MEASURED = plan(`
abortCriteria:
  - { metric: tokensPerQuery, limit: 10x control }
  - { metric: costPerQuery, limit: $0.50 }
  - { metric: timeToFirstToken, limit: 30s }
  - { metric: errorRate, limit: 50% }
`);

let world: World;
let opened = 0;
const sites: AiSite[] = [];
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  for (const site of sites.splice(0)) await site.dispose();
});
afterAll(async () => {
  expect(await world.dispose()).toEqual([]);
});

/** A site of its own for a plan, in the one world of this file. */
async function siteOf(text: (flag: string) => string): Promise<AiSite> {
  opened += 1;
  const flag = `chat-${opened}`;
  const site = await AiSite.open(world, flag, text(flag));
  sites.push(site);
  return site;
}

type Streaming = Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'];
type Part = Streaming extends ReadableStream<infer P> ? P : never;

/** A model of the AI SDK whose answers take as many tokens, and as long, as the variant makes them. */
function modelOf(site: AiSite, isNew: boolean): MockLanguageModelV4 {
  const { prompt, completion, firstTokenMs } = answerOf(isNew);
  const usage = {
    inputTokens: { total: prompt, noCache: prompt, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: completion, text: completion, reasoning: undefined },
  };
  const finishReason = { unified: 'stop', raw: undefined } as const;
  const parts: Part[] = [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: 'Hello' },
    { type: 'text-end', id: '1' },
    { type: 'finish', finishReason, usage },
  ];
  return new MockLanguageModelV4({
    modelId: MODEL,
    doGenerate: async () => ({ content: [{ type: 'text', text: 'Hello' }], finishReason, usage, warnings: [] }),
    doStream: async () => {
      const left = [...parts];
      const stream = new ReadableStream<Part>(
        {
          pull(controller) {
            const part = left.shift();
            if (part?.type === 'text-delta') site.pass(firstTokenMs);
            if (part === undefined) controller.close();
            else controller.enqueue(part);
          },
        },
        { highWaterMark: 0 },
      );
      return { stream };
    },
  });
}

/** What a hundred queries of each variant, half of them streamed, must come to. */
async function expectFigures(site: AiSite): Promise<void> {
  for (const arm of ['treatment', 'control'] as const) {
    const { prompt, completion, firstTokenMs, cost } = answerOf(arm === 'treatment');
    expect(await site.sum('tokensPerQuery', arm)).toEqual({ count: 100, sum: 100 * (prompt + completion) });
    const costs = await site.sum('costPerQuery', arm);
    expect(costs.count).toBe(100);
    expect(costs.sum).toBeCloseTo(100 * cost, 12);
    const firsts = await site.sum('timeToFirstToken', arm);
    expect(firsts.count).toBe(50);
    expect(firsts.sum).toBeCloseTo((50 * firstTokenMs) / 1000, 9);
    expect(await site.sum('errorRate', arm)).toEqual({ count: 100, sum: 0 });
  }
  const metrics = (await site.state()).history.at(-1)?.metrics ?? [];
  const shown = (name: string) => metrics.find(({ metric }) => metric === name);
  expect(shown('tokensPerQuery')).toMatchObject({ observed: 2500, control: 1100 });
  expect(shown('costPerQuery')?.observed).toBeCloseTo(NEW.cost, 12);
  expect(shown('costPerQuery')?.control).toBeCloseTo(OLD.cost, 12);
  // A quantile is read off a histogram whose bins are 4.4 % wide.
  expect(shown('timeToFirstToken')?.observed ?? 0).toBeGreaterThanOrEqual(0.48);
  expect(shown('timeToFirstToken')?.observed ?? 0).toBeLessThan(0.48 * 1.045);
}

describe('calls of models in a rollout', () => {
  it('through the AI SDK, whole and streamed, come to the tokens, cost and first-token time of each arm', async () => {
    const site = await siteOf(MEASURED);
    let queries = 0;
    const ask: Ask = async (isNew) => {
      queries += 1;
      const model = wrapLanguageModel({
        model: modelOf(site, isNew),
        middleware: site.ai.middleware({ provider: 'openai' }),
      });
      if (queries % 2 === 0) await generateText({ model, prompt: 'Hi' });
      else for await (const _ of streamText({ model, prompt: 'Hi' }).textStream);
    };
    await site.until('exposing', 10, ask);
    // Alternately whole and streamed within each variant.
    const seen = { true: 0, false: 0 };
    await site.step(100, async (isNew, context) => {
      queries = seen[`${isNew}`];
      seen[`${isNew}`] += 1;
      await ask(isNew, context);
    });
    await expectFigures(site);
    const report = await site.admin.getReport(site.id);
    expect(report).toContain('- Price book: genai-prices 0.1.8');
  });

  it('against a server in the shape of OpenAI come to the same figures, and its failures to errors', async () => {
    const site = await siteOf(MEASURED);
    const chat = await startChatServer(
      (_, prompt) => answerOf(prompt === 'new'),
      (prompt) => site.pass(answerOf(prompt === 'new').firstTokenMs),
    );
    closers.push(chat.close);
    const whole: Ask = async (isNew) => {
      await site.ai.call(() => complete(chat.url, MODEL, isNew ? 'new' : 'old'), { provider: 'openai' });
    };
    const seen = { true: 0, false: 0 };
    const ask: Ask = async (isNew, context) => {
      seen[`${isNew}`] += 1;
      if (seen[`${isNew}`] % 2 === 0) return whole(isNew, context);
      const stream = await site.ai.call(() => streamed(chat.url, MODEL, isNew ? 'new' : 'old'), { provider: 'openai' });
      for await (const _ of stream);
    };
    await site.until('exposing', 10, whole);
    await site.step(100, ask);
    await expectFigures(site);

    await site.step(10, async () => {
      await expect(site.ai.call(() => complete(chat.url, MODEL, 'fail'))).rejects.toThrow('status 500');
    });
    expect(await site.sum('errorRate', 'treatment')).toEqual({ count: 110, sum: 10 });
    expect((await site.sum('tokensPerQuery', 'treatment')).count).toBe(100);

    await site.step(10, async (isNew) => {
      await site.ai.call(() => complete(chat.url, 'model-of-our-own', isNew ? 'new' : 'old'));
    });
    expect((await site.sum('tokensPerQuery', 'treatment')).count).toBe(110);
    expect((await site.sum('costPerQuery', 'treatment')).count).toBe(100);
    expect(await site.sum('costPerQuery#unmeasured', 'treatment')).toMatchObject({ count: 10 });
  });
});

describe('quality of answers', () => {
  const KILL = plan(`
abortCriteria: [ { metric: errorRate, limit: 50% } ]
killSwitch: { flag: FLAG-kill, trip: [ { metric: hallucinationRate, limit: 15% } ] }
`);

  /** Answers of which `bad` in twenty are hallucinated, exactly, in every step. */
  const hallucinating = (site: AiSite, bad: number): Ask => {
    const seen = { true: 0, false: 0 };
    return (isNew) => {
      const turn = seen[`${isNew}`];
      seen[`${isNew}`] += 1;
      site.client.recordOutcome({ error: false });
      site.ai.score('hallucinationRate', isNew ? turn % 20 < bad : turn % 50 === 0);
    };
  };

  it('a hallucination rate of 25 % trips the kill switch of 15 %', async () => {
    const site = await siteOf(KILL);
    const ask = hallucinating(site, 5);
    await site.until('exposing', 60, ask);
    await site.until('aborted', 60, ask, 7);
    const { killed, incidents } = await site.state();
    expect(killed).toBe(true);
    expect(incidents[0]).toMatchObject({ kind: 'kill', verdict: { metric: 'hallucinationRate' } });
    expect(site.client.boolean(site.flag, true, { targetingKey: 'anyone' })).toBe(false);
    expect(site.client.boolean(`${site.flag}-kill`, false, { targetingKey: 'anyone' })).toBe(true);
  });

  it('one of exactly 15 % does not, however long it lasts', async () => {
    const site = await siteOf(KILL);
    const ask = hallucinating(site, 3);
    await site.until('exposing', 60, ask);
    for (let step = 0; step < 22; step += 1) await site.step(60, ask);
    const { phase, killed } = await site.state();
    expect([phase, killed]).toEqual(['exposing', false]);
    const sum = await site.sum('hallucinationRate', 'treatment');
    expect(sum.sum / sum.count).toBe(0.15);
  });

  const FAITHFUL = plan('abortCriteria: [ { metric: faithfulness, limit: 0.85 } ]');
  /** Scores around a mean, exactly, in every pair. */
  const scoring = (site: AiSite, mean: () => number): Ask => {
    let turn = 0;
    return () => {
      turn += 1;
      site.client.recordOutcome({ error: false });
      site.ai.score('faithfulness', mean() + (turn % 2 === 0 ? 0.05 : -0.05), { samplingRate: 0.2, cost: 0.001 });
    };
  };

  it('a faithfulness of 0.80 fails the limit of 0.85, one of 0.92 passes it', async () => {
    const good = await siteOf(FAITHFUL);
    await good.until(
      'exposing',
      60,
      scoring(good, () => 0.92),
    );
    for (let step = 0; step < 10; step += 1)
      await good.step(
        60,
        scoring(good, () => 0.92),
      );
    expect(await good.verdictsOf('faithfulness')).toMatchObject([{ status: 'pass' }, { status: 'pass' }]);
    expect(await good.admin.getReport(good.id)).toContain('- Sampling: 20 % of answers scored');

    const bad = await siteOf(FAITHFUL);
    await bad.until(
      'exposing',
      60,
      scoring(bad, () => 0.92),
    );
    await bad.until(
      'aborted',
      60,
      scoring(bad, () => 0.8),
      20,
    );
    expect((await bad.state()).incidents[0]).toMatchObject({ kind: 'criterion', verdict: { metric: 'faithfulness' } });
  });

  const JUDGED = plan(`
abortCriteria: [ { metric: faithfulness, limit: 0.85 } ]
killSwitch: { flag: FLAG-kill, trip: [ { metric: faithfulness, limit: 0.6 } ] }
judges: { faithfulness: { goldenSet: golden-1, items: 20, expected: 0.9, tolerance: 0.05, budget: $100 } }
`);
  const golden = (mean: number) => Array.from({ length: 20 }, (_, item) => ({ item: `g${item}`, score: mean }));
  const calibrate = (site: AiSite, mean: number) =>
    site.admin.command(site.id, {
      type: 'CalibrateJudge',
      metric: 'faithfulness',
      goldenSet: 'golden-1',
      scores: golden(mean),
      judge: 'judge-2',
    });

  it('a judge that drifts makes its checks inconclusive, not failing; calibrated again, they judge again', async () => {
    const site = await siteOf(JUDGED);
    await calibrate(site, 0.92);
    let mean = 0.92;
    const ask = scoring(site, () => mean);
    await site.until('exposing', 60, ask);
    for (let step = 0; step < 8; step += 1) await site.step(60, ask);
    expect(await site.verdictsOf('faithfulness')).toMatchObject([
      { status: 'pass' },
      { status: 'pass' },
      { status: 'pass' },
    ]);

    await calibrate(site, 0.4);
    mean = 0.4;
    for (let step = 0; step < 30; step += 1) await site.step(60, ask);
    const drifted = await site.admin.getRollout(site.id);
    expect(drifted.state).toMatchObject({ phase: 'exposing', killed: false, stage: { index: 0 }, incidents: [] });
    const note = 'the judge of faithfulness has drifted: golden set golden-1 scored 0.4, expected 0.9 ± 0.05';
    for (const verdict of await site.verdictsOf('faithfulness')) {
      expect(verdict).toMatchObject({ status: 'inconclusive', untrusted: true, note });
    }
    expect(drifted.waitingFor.join('; ')).toContain(note);
    expect(await site.admin.getReport(site.id)).toContain('- Not trusted: the judge of faithfulness has drifted');

    await calibrate(site, 0.9);
    mean = 0.92;
    await site.step(60, ask);
    await site.until('monitoring', 60, ask, 60);
    expect((await site.state()).incidents).toEqual([]);
  });

  it('while the judge was never calibrated nobody is exposed, and a wrong calibration is refused', async () => {
    const site = await siteOf(JUDGED);
    for (let step = 0; step < 20; step += 1)
      await site.step(
        60,
        scoring(site, () => 0.92),
      );
    const { state, waitingFor } = await site.admin.getRollout(site.id);
    expect(state.phase).toBe('baseline');
    expect(waitingFor).toEqual([
      'a calibration on golden-1 within its tolerance (the judge of faithfulness was never calibrated)',
    ]);
    const command = {
      type: 'CalibrateJudge',
      metric: 'faithfulness',
      goldenSet: 'golden-2',
      scores: golden(0.9),
    } as const;
    expect(await refusalOf(site.admin.command(site.id, command))).toBe('CALIBRATION_INVALID');
    expect(await refusalOf(site.admin.command(site.id, { ...command, metric: 'errorRate' }))).toBe('JUDGE_UNKNOWN');
  });

  it('scores of a batch evaluator count once, where and when the answer was given; failures are no data', async () => {
    const site = await siteOf(FAITHFUL);
    const ask: Ask = () => site.client.recordOutcome({ error: false });
    await site.until('exposing', 60, ask);
    const answers: { readonly isNew: boolean; readonly evaluation: string }[] = [];
    await site.step(20, (isNew) => {
      for (const { evaluation } of site.client.placements()) answers.push({ isNew, evaluation });
    });
    expect(answers).toHaveLength(40);
    const scores = answers.map(({ isNew, evaluation }, index) => ({
      id: `answer-${index}`,
      metric: 'faithfulness',
      evaluation,
      samplingRate: 0.5,
      ...(index % 10 === 0 ? { error: 'the judge timed out' } : { score: isNew ? 0.9 : 0.95, cost: 0.01 }),
    }));
    const batch = { schema: 1, flag: site.flag, scores } as const;
    expect(await site.sdk.sendScores(batch)).toEqual({ accepted: 40, duplicates: 0, ignored: [] });
    expect(await site.sdk.sendScores(batch)).toEqual({ accepted: 0, duplicates: 40, ignored: [] });
    await site.look();
    const [treatment, control] = [
      await site.sum('faithfulness', 'treatment'),
      await site.sum('faithfulness', 'control'),
    ];
    expect(treatment.count + control.count).toBe(36);
    expect(treatment.sum).toBeCloseTo(treatment.count * 0.9, 9);
    expect(control.sum).toBeCloseTo(control.count * 0.95, 9);
    const { measuring } =
      (await site.admin.getRollout(site.id)).judgement?.metrics.find(({ metric }) => metric === 'faithfulness') ?? {};
    expect(measuring).toMatchObject({ unmeasured: 4, samplingRate: 0.5, cost: expect.closeTo(0.36, 9) });

    const one = { id: 'x', metric: 'faithfulness', score: 0.9 };
    const ignored = await site.sdk.sendScores({
      schema: 1,
      flag: site.flag,
      scores: [
        { ...one, id: 'too old', variant: 'on', at: 0 },
        { ...one, id: 'other rollout', evaluation: 'chat-9/1/1/50000/treatment/3' },
        { ...one, id: 'no variant', variant: 'blue' },
        { ...one, id: 'no metric', metric: 'kindness', variant: 'on' },
        { ...one, id: 'too high', score: 1.5, variant: 'on' },
        { ...one, id: 'by variant', variant: 'on' },
        { ...one, id: 'by context', context: { targetingKey: 'user-1' } },
      ],
    });
    expect(ignored).toMatchObject({ accepted: 2, duplicates: 0 });
    expect(ignored.ignored.map(({ id }) => id)).toEqual([
      'too old',
      'other rollout',
      'no variant',
      'no metric',
      'too high',
    ]);
  });
});
