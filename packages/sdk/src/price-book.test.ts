import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { firstPrice, GENAI_PRICES, liteLlmPrices, priceFile } from './price-book.ts';

const USAGE = { inputTokens: 1000, outputTokens: 100 };

describe('the bundled price book', () => {
  it('names the version that is installed', () => {
    const entry = fileURLToPath(import.meta.resolve('@pydantic/genai-prices'));
    const manifest = JSON.parse(readFileSync(`${entry.slice(0, entry.lastIndexOf('/dist/'))}/package.json`, 'utf8'));
    expect(GENAI_PRICES.version).toBe(`genai-prices ${manifest.version}`);
  });

  it('prices in whole nano-dollars, with caches as their providers count them', () => {
    expect(GENAI_PRICES.priceOf(USAGE, 'gpt-4o-mini', 'openai')).toBe(0.00021);
    expect(GENAI_PRICES.priceOf(USAGE, 'gpt-4o-mini')).toBe(0.00021);
    const cached = { inputTokens: 4740, cacheWriteTokens: 4735, outputTokens: 255 };
    expect(GENAI_PRICES.priceOf(cached, 'claude-sonnet-4-20250514', 'anthropic')).toBe(0.02159625);
  });

  it('knows no price of what it does not know, and of counts that contradict each other', () => {
    expect(GENAI_PRICES.priceOf(USAGE, 'nope', 'openai')).toBeUndefined();
    expect(GENAI_PRICES.priceOf(USAGE, 'gpt-4o-mini', 'nobody')).toBeUndefined();
    expect(
      GENAI_PRICES.priceOf({ inputTokens: 10, cacheReadTokens: 100, outputTokens: 1 }, 'gpt-4o-mini'),
    ).toBeUndefined();
  });
});

describe('a price file', () => {
  const file = {
    version: 'acme 3',
    models: { m: { input: 2, output: 8 }, 'azure/m': { input: 1, output: 4 }, free: { input: 0, output: 0 } },
  };

  it('prices its models, those of one provider first, and 0 where it says so', () => {
    const book = priceFile(file);
    expect(book.priceOf(USAGE, 'm')).toBe(0.0028);
    expect(book.priceOf(USAGE, 'm', 'azure')).toBe(0.0014);
    expect(book.priceOf(USAGE, 'free')).toBe(0);
    expect(book.priceOf(USAGE, 'constructor')).toBeUndefined();
  });

  it('goes before another book, and the report names both', () => {
    const book = firstPrice(priceFile(file), GENAI_PRICES);
    expect(book.version).toBe('acme 3, then genai-prices 0.1.8');
    expect(book.priceOf(USAGE, 'm')).toBe(0.0028);
    expect(book.priceOf(USAGE, 'gpt-4o-mini')).toBe(0.00021);
  });

  it.each([
    [{}, 'version: received undefined'],
    [{ version: '1' }, 'models: received none'],
    [{ version: '1', models: { m: { input: 1 } } }, 'models["m"].output: received undefined'],
    [{ version: '1', models: { m: { input: -1, output: 1 } } }, 'models["m"].input: received -1'],
    [{ version: '1', models: { m: { input: 1, output: 1, cacheRead: '1' } } }, 'models["m"].cacheRead: received "1"'],
  ])('that has another shape is refused with the place: %j', (wrong, message) => {
    expect(() => priceFile(wrong)).toThrow(message);
  });
});

describe('the price file of LiteLLM', () => {
  const file = {
    sample_spec: { input_cost_per_token: 0, output_cost_per_token: 0 },
    m: {
      litellm_provider: 'openai',
      mode: 'chat',
      input_cost_per_token: 1.5e-7,
      output_cost_per_token: 6e-7,
      cache_read_input_token_cost: 7.5e-8,
    },
    'azure/m': { litellm_provider: 'azure', input_cost_per_token: 3e-7, output_cost_per_token: 6e-7 },
    long: {
      litellm_provider: 'x',
      input_cost_per_token: 1e-6,
      output_cost_per_token: 1e-6,
      input_cost_per_token_above_200k_tokens: 2e-6,
    },
    image: { litellm_provider: 'openai', mode: 'image_generation', output_cost_per_image: 0.04 },
  };
  const book = liteLlmPrices(file, '2026-11-20');

  it('prices per token, of the provider that was asked', () => {
    expect(book.version).toBe('LiteLLM 2026-11-20');
    expect(book.priceOf(USAGE, 'm')).toBe(0.00021);
    expect(book.priceOf({ ...USAGE, cacheReadTokens: 1000 }, 'm', 'openai')).toBe(0.000135);
    expect(book.priceOf(USAGE, 'm', 'azure')).toBe(0.00036);
    expect(book.priceOf(USAGE, 'm', 'groq')).toBeUndefined();
  });

  it('knows no price of other units, of its sample, and beyond the first length tier', () => {
    expect(book.priceOf(USAGE, 'image')).toBeUndefined();
    expect(book.priceOf(USAGE, 'sample_spec')).toBeUndefined();
    expect(book.priceOf({ inputTokens: 200_000, outputTokens: 0 }, 'long')).toBe(0.2);
    expect(book.priceOf({ inputTokens: 200_001, outputTokens: 0 }, 'long')).toBeUndefined();
  });

  it('is refused where nothing in it has a price', () => {
    expect(() => liteLlmPrices({ image: file.image }, '1')).toThrow('input_cost_per_token');
  });
});
