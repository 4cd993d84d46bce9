import { AsyncLocalStorage } from 'node:async_hooks';
import { ReadableStream } from 'node:stream/web';
import { describe, expect, it } from 'vitest';
import { type AiOptions, createAi, priceFile } from './ai.ts';
import type { RampartClient } from './client-options.ts';

type Tracked = readonly [metric: string, value: number];

const BOOK = priceFile({ version: 'test 1', models: { m: { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 2 } } });

/** A client that writes down what it is told, and a clock that moves by hand. */
function rig(options: AiOptions = {}) {
  const tracked: Tracked[] = [];
  const where: unknown[] = [];
  const scope = new AsyncLocalStorage<string>();
  let now = 0;
  let book = '';
  const client = {
    track: (metric: string, value = 1, target?: unknown) => {
      tracked.push([metric, value]);
      where.push(target ?? scope.getStore());
    },
    usePriceBook: (version: string) => {
      book = version;
    },
  } as unknown as RampartClient;
  const ai = createAi(client, { prices: BOOK, monotonicMs: () => now, ...options });
  return {
    ...{ ai, tracked, where, scope, book: () => book },
    pass: (ms: number) => {
      now += ms;
    },
    of: (metric: string) => tracked.filter(([name]) => name === metric).map(([, value]) => value),
  };
}

async function* chunksOf(chunks: readonly unknown[], before: () => void = () => undefined) {
  for (const chunk of chunks) {
    before();
    yield chunk;
  }
}

async function drain(stream: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const CHAT = {
  model: 'm',
  usage: { prompt_tokens: 1000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 600 } },
};

describe('a call of a model', () => {
  it.each([
    ['OpenAI Chat Completions', CHAT],
    [
      'OpenAI Responses',
      { model: 'm', usage: { input_tokens: 1000, output_tokens: 100, input_tokens_details: { cached_tokens: 600 } } },
    ],
    [
      'Anthropic Messages',
      {
        model: 'm',
        usage: { input_tokens: 400, output_tokens: 100, cache_read_input_tokens: 600, cache_creation_input_tokens: 0 },
      },
    ],
    [
      'AI SDK',
      {
        response: { modelId: 'm' },
        usage: { inputTokens: 9, outputTokens: 9 },
        totalUsage: { inputTokens: 1000, outputTokens: 100, inputTokenDetails: { cacheReadTokens: 600 } },
      },
    ],
    [
      'AI SDK model',
      {
        response: { modelId: 'm' },
        usage: { inputTokens: { total: 1000, cacheRead: 600 }, outputTokens: { total: 100 } },
      },
    ],
  ])('counts the tokens and the price of an answer in the shape of %s', async (_, answer) => {
    const { ai, tracked, book } = rig();
    expect(await ai.call(async () => answer)).toBe(answer);
    // 400 fresh at $1, 600 cached at $0.10, 100 out at $10, a million each.
    expect(tracked).toEqual([
      ['errorRate', 0],
      ['tokensPerQuery', 1100],
      ['costPerQuery', 0.00146],
    ]);
    expect(book()).toBe('test 1');
  });

  it('adds what Anthropic read from and wrote to its cache to the input', async () => {
    const { ai, of } = rig();
    const usage = {
      input_tokens: 5,
      output_tokens: 0,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 1000,
    };
    await ai.call(() => ({ model: 'm', usage }));
    expect(of('tokensPerQuery')).toEqual([1105]);
    expect(of('costPerQuery')).toEqual([0.002015]);
  });

  it.each([
    [
      'a model without a price',
      { ...CHAT, model: 'unheard-of' },
      [
        ['tokensPerQuery', 1100],
        ['costPerQuery#unmeasured', 1],
      ],
    ],
    [
      'an answer without a model',
      { usage: CHAT.usage },
      [
        ['tokensPerQuery', 1100],
        ['costPerQuery#unmeasured', 1],
      ],
    ],
    [
      'counts that contradict each other',
      { model: 'm', usage: { prompt_tokens: 1, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 2 } } },
      [
        ['tokensPerQuery', 2],
        ['costPerQuery#unmeasured', 1],
      ],
    ],
    [
      'an answer without usage',
      { model: 'm' },
      [
        ['tokensPerQuery#unmeasured', 1],
        ['costPerQuery#unmeasured', 1],
      ],
    ],
    [
      'text',
      'hello',
      [
        ['tokensPerQuery#unmeasured', 1],
        ['costPerQuery#unmeasured', 1],
      ],
    ],
  ])('never says 0 for %s', async (_, answer, expected) => {
    const { ai, tracked } = rig({ errorRate: false });
    await ai.call(() => answer);
    expect(tracked).toEqual(expected);
  });

  it('does not fail for a price book that does', async () => {
    const prices = { version: 'broken', priceOf: () => expect.fail('no prices') };
    const { ai, of } = rig({ prices });
    expect(await ai.call(() => CHAT)).toBe(CHAT);
    expect(of('costPerQuery#unmeasured')).toEqual([1]);
  });

  it('takes model and provider from the options where the answer does not say', async () => {
    const { ai, of } = rig();
    await ai.call(() => ({ usage: CHAT.usage }), { model: 'm' });
    expect(of('costPerQuery')).toEqual([0.00146]);
  });

  it('that fails is an error and nothing else, and fails for its caller as it did', async () => {
    const { ai, tracked } = rig();
    const failure = new Error('overloaded');
    await expect(ai.call(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(tracked).toEqual([['errorRate', 1]]);
  });

  it('that its caller gave up is no error of the model', async () => {
    const { ai, tracked } = rig();
    await expect(ai.call(() => Promise.reject(new DOMException('gone', 'AbortError')))).rejects.toThrow('gone');
    expect(tracked).toEqual([['errorRate', 0]]);
  });
});

describe('a stream', () => {
  const openAi = [
    { model: 'm', choices: [{ delta: { role: 'assistant', content: '' } }], usage: null },
    { model: 'm', choices: [{ delta: { content: 'Hel' } }], usage: null },
    { model: 'm', choices: [{ delta: { content: 'lo' } }], usage: null },
    { model: 'm', choices: [], usage: CHAT.usage },
  ];
  const responses = [
    { type: 'response.created', response: { model: 'm', usage: null } },
    { type: 'response.output_text.delta', delta: 'Hello' },
    {
      type: 'response.completed',
      response: {
        model: 'm',
        usage: { input_tokens: 1000, output_tokens: 100, input_tokens_details: { cached_tokens: 600 } },
      },
    },
  ];
  const anthropic = [
    {
      type: 'message_start',
      message: {
        model: 'm',
        usage: { input_tokens: 400, cache_read_input_tokens: 600, cache_creation_input_tokens: 0, output_tokens: 1 },
      },
    },
    { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Hello' } },
    { type: 'message_delta', delta: {}, usage: { output_tokens: 100 } },
    { type: 'message_stop' },
  ];

  it.each([
    ['OpenAI Chat Completions', openAi, 2],
    ['OpenAI Responses', responses, 2],
    ['Anthropic Messages', anthropic, 2],
  ])(
    'in the shape of %s gives its chunks as they are, and the time to the first with a token',
    async (_, chunks, first) => {
      const { ai, of, pass } = rig();
      const stream = await ai.call(() => chunksOf(chunks, () => pass(250)));
      expect(await drain(stream)).toEqual(chunks);
      expect(of('timeToFirstToken')).toEqual([first * 0.25]);
      expect(of('tokensPerQuery')).toEqual([1100]);
      expect(of('costPerQuery')).toEqual([0.00146]);
      expect(of('errorRate')).toEqual([0]);
    },
  );

  it('keeps the methods of the object it is', async () => {
    class Stream {
      readonly #id = 7;
      id() {
        return this.#id;
      }
      [Symbol.asyncIterator]() {
        return chunksOf(openAi);
      }
    }
    const { ai, of } = rig();
    const stream = await ai.call(() => new Stream());
    expect(stream.id()).toBe(7);
    await drain(stream);
    expect(of('tokensPerQuery')).toEqual([1100]);
  });

  it('that its reader leaves is no error; what was not said is not measured', async () => {
    const { ai, tracked } = rig();
    for await (const chunk of await ai.call(() => chunksOf(openAi))) if (chunk === openAi[1]) break;
    expect(tracked).toEqual([
      ['timeToFirstToken', 0],
      ['errorRate', 0],
      ['tokensPerQuery#unmeasured', 1],
      ['costPerQuery#unmeasured', 1],
    ]);
  });

  it('that breaks, or says that the model failed, is an error', async () => {
    const { ai, tracked } = rig();
    const broken = async function* () {
      yield openAi[1];
      throw new Error('reset');
    };
    await expect(drain(await ai.call(broken))).rejects.toThrow('reset');
    await drain(await ai.call(() => chunksOf([{ type: 'error', error: { type: 'overloaded_error' } }])));
    expect(tracked).toEqual([
      ['timeToFirstToken', 0],
      ['errorRate', 1],
      ['errorRate', 1],
    ]);
  });

  it('of the web is watched as it is read, cancelled or broken', async () => {
    const { ai, tracked } = rig({ errorRate: false });
    const open = () => ReadableStream.from(openAi);
    expect(await drain(await ai.call(open))).toEqual(openAi);
    await (await ai.call(open)).cancel();
    expect(tracked).toEqual([
      ['timeToFirstToken', 0],
      ['tokensPerQuery', 1100],
      ['costPerQuery', 0.00146],
      ['tokensPerQuery#unmeasured', 1],
      ['costPerQuery#unmeasured', 1],
    ]);
  });

  it('counts where the call began, wherever it is read', async () => {
    const { ai, where, scope } = rig();
    const stream = await scope.run('request 1', () => ai.call(() => chunksOf(openAi)));
    await scope.run('elsewhere', () => drain(stream));
    expect(new Set(where)).toEqual(new Set(['request 1']));
  });
});

describe('a score', () => {
  it('is recorded with its sampling rate and its cost', () => {
    const { ai, tracked } = rig();
    ai.score('faithfulness', 0.9, { samplingRate: 0.1, cost: 0.002 });
    ai.score('hallucinationRate', true);
    expect(tracked).toEqual([
      ['faithfulness', 0.9],
      ['faithfulness#sampling', 0.1],
      ['faithfulness#cost', 0.002],
      ['hallucinationRate', 1],
    ]);
  });

  it.each([undefined, new Error('judge down'), Number.NaN, 1.2, -0.1])(
    'that is none (%s) is not measured, never 0',
    (value) => {
      const { ai, tracked } = rig();
      ai.score('faithfulness', value, { samplingRate: 0.5, cost: 0.01 });
      expect(tracked).toEqual([
        ['faithfulness#unmeasured', 1],
        ['faithfulness#cost', 0.01],
      ]);
    },
  );

  it('may lie in another range', () => {
    const { ai, tracked } = rig();
    ai.score('stars', 5, { range: [1, 5] });
    expect(tracked).toEqual([['stars', 5]]);
  });

  it('by a judge is asked for at the sampling rate; a judge that throws is not measured and fails nobody', async () => {
    const draws = [0.05, 0.5, 0.09];
    const { ai, tracked } = rig({ random: () => draws.shift() ?? 1 });
    const judge = async () => 0.8;
    expect(await ai.evaluate('faithfulness', judge, { samplingRate: 0.1 })).toBe(0.8);
    expect(await ai.evaluate('faithfulness', judge, { samplingRate: 0.1 })).toBeUndefined();
    expect(
      await ai.evaluate('faithfulness', () => Promise.reject(new Error('429')), { samplingRate: 0.1 }),
    ).toBeUndefined();
    expect(tracked).toEqual([
      ['faithfulness', 0.8],
      ['faithfulness#sampling', 0.1],
      ['faithfulness#unmeasured', 1],
    ]);
  });
});
