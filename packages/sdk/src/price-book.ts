import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { type Json, objectOf, type Usage } from './ai-usage.ts';

/** What calls of models cost. */
export type PriceBook = {
  /** Name and version, shown in the report of a rollout. */
  readonly version: string;
  /**
   * Price in USD, in whole nano-dollars; `undefined` where it is not known, which is never the same as 0.
   *
   * @param provider As the AI SDK or OpenTelemetry name it (`openai`, `anthropic`, `aws.bedrock`). Default: whoever has the model.
   */
  readonly priceOf: (usage: Usage, model: string, provider?: string) => number | undefined;
};

/** Version of the package this was built with: a test holds it against the one installed. */
const GENAI_PRICES_VERSION = '0.1.8';

const NANO = 1e9;

function wholeNanoDollars(usd: number): number | undefined {
  return Number.isFinite(usd) && usd >= 0 ? Math.round(usd * NANO) / NANO : undefined;
}

/** The prices bundled with `@pydantic/genai-prices`. It asks no network. */
export const GENAI_PRICES: PriceBook = {
  version: `genai-prices ${GENAI_PRICES_VERSION}`,
  priceOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }, model, provider) {
    const usage = {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      ...(cacheReadTokens !== undefined && { cache_read_tokens: cacheReadTokens }),
      ...(cacheWriteTokens !== undefined && { cache_write_tokens: cacheWriteTokens }),
    };
    try {
      // A provider it does not know would otherwise be left out, and another one's price taken.
      if (provider !== undefined && findProvider({ providerId: provider }) === undefined) return undefined;
      const price = calcPrice(usage, model, provider === undefined ? {} : { providerId: provider });
      return price === null ? undefined : wholeNanoDollars(price.total_price);
    } catch {
      // It throws on counts that contradict each other.
      return undefined;
    }
  },
};

/** Prices of one model, in USD per million tokens. Without a price of their own, cached tokens cost what the others do. */
export type ModelPrices = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
};

const MILLION = 1e6;

function priceBy(prices: ModelPrices, usage: Usage): number | undefined {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage;
  const fresh = inputTokens - cacheReadTokens - cacheWriteTokens;
  if (fresh < 0) return undefined;
  const { input, output, cacheRead = input, cacheWrite = input } = prices;
  const millionths =
    fresh * input + cacheReadTokens * cacheRead + cacheWriteTokens * cacheWrite + outputTokens * output;
  return wholeNanoDollars(millionths / MILLION);
}

function readPrice(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new TypeError(`${where}: received ${JSON.stringify(value)}; give USD per million tokens, 0 or above`);
}

function readModel(name: string, value: unknown): ModelPrices {
  const { input, output, cacheRead, cacheWrite } = objectOf(value);
  const where = `models[${JSON.stringify(name)}]`;
  return {
    input: readPrice(input, `${where}.input`),
    output: readPrice(output, `${where}.output`),
    ...(cacheRead !== undefined && { cacheRead: readPrice(cacheRead, `${where}.cacheRead`) }),
    ...(cacheWrite !== undefined && { cacheWrite: readPrice(cacheWrite, `${where}.cacheWrite`) }),
  };
}

/**
 * Your own prices, for example of a contract: `{ version, models: { "gpt-4o-mini": { input, output, cacheRead?, cacheWrite? } } }`
 * in USD per million tokens. A model may be written as `provider/model`, which then counts for that provider alone.
 *
 * @throws TypeError with the place and what was received, where the file does not have this shape.
 */
export function priceFile(file: unknown): PriceBook {
  const { version, models } = objectOf(file);
  if (typeof version !== 'string' || version.trim() === '') {
    throw new TypeError(`version: received ${JSON.stringify(version)}; give a text: it stands in the report`);
  }
  const known = new Map(Object.entries(objectOf(models)).map(([name, value]) => [name, readModel(name, value)]));
  if (known.size === 0) throw new TypeError('models: received none; give at least one model with input and output');
  return {
    version,
    priceOf(usage, model, provider) {
      const prices = (provider === undefined ? undefined : known.get(`${provider}/${model}`)) ?? known.get(model);
      return prices && priceBy(prices, usage);
    },
  };
}

type Listed = { readonly provider: string; readonly prices: ModelPrices; readonly mostInput: number };

/** Prices that change with the length of the input stand under such keys. */
const TIER = /^input_cost_per_token_above_(\d+)k_tokens$/;

function perMillion(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value * MILLION : undefined;
}

function listedOf(entry: Json): Listed | undefined {
  const [input, output] = [perMillion(entry.input_cost_per_token), perMillion(entry.output_cost_per_token)];
  if (input === undefined || output === undefined) return undefined;
  const cacheRead = perMillion(entry.cache_read_input_token_cost);
  const cacheWrite = perMillion(entry.cache_creation_input_token_cost);
  const tiers = Object.keys(entry).flatMap((key) => Number(TIER.exec(key)?.[1] ?? []) || []);
  return {
    provider: typeof entry.litellm_provider === 'string' ? entry.litellm_provider : '',
    prices: {
      input,
      output,
      ...(cacheRead !== undefined && { cacheRead }),
      ...(cacheWrite !== undefined && { cacheWrite }),
    },
    mostInput: Math.min(Number.POSITIVE_INFINITY, ...tiers.map((thousands) => thousands * 1000)),
  };
}

/**
 * Prices from LiteLLM's `model_prices_and_context_window.json`. What has other units than tokens has no price here, nor has an
 * input beyond the first of its length tiers.
 *
 * @param version What the report calls it, for example the commit of the file.
 * @throws TypeError where no entry of the file has a price per token.
 */
export function liteLlmPrices(file: unknown, version: string): PriceBook {
  const known = new Map<string, Listed>();
  for (const [key, entry] of Object.entries(objectOf(file))) {
    const listed = key === 'sample_spec' ? undefined : listedOf(objectOf(entry));
    if (listed !== undefined) known.set(key, listed);
  }
  if (known.size === 0) {
    throw new TypeError(
      'no entry has input_cost_per_token and output_cost_per_token; give the file of LiteLLM as JSON',
    );
  }
  const find = (model: string, provider: string | undefined): Listed | undefined => {
    const own = provider === undefined ? undefined : known.get(`${provider}/${model}`);
    const listed = own ?? known.get(model);
    return own !== undefined || provider === undefined || listed?.provider === provider ? listed : undefined;
  };
  return {
    version: `LiteLLM ${version}`,
    priceOf(usage, model, provider) {
      const listed = find(model, provider);
      return listed && usage.inputTokens <= listed.mostInput ? priceBy(listed.prices, usage) : undefined;
    },
  };
}

/** The first of several books that knows a price, for example your own before the bundled one. */
export function firstPrice(...books: readonly PriceBook[]): PriceBook {
  return {
    version: books.map(({ version }) => version).join(', then '),
    priceOf(usage, model, provider) {
      for (const book of books) {
        const price = book.priceOf(usage, model, provider);
        if (price !== undefined) return price;
      }
      return undefined;
    },
  };
}
