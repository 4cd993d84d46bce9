import { setTimeout as sleep } from 'node:timers/promises';
import type { Draft } from './draft.ts';
import { tokensOf } from './text.ts';

/** How fast the model is, in milliseconds per token. */
export type Pace = { readonly readMsPerToken: number; readonly writeMsPerToken: number };

/** 250 tokens written a second: the speed of a hosted model. */
export const MODEL_PACE: Pace = { readMsPerToken: 0.05, writeMsPerToken: 4 };

/**
 * Streams a draft sentence by sentence at the pace of a model: each pass reads the source and writes an answer, and
 * only the last one reaches the reader. Waiting is on an absolute schedule, so that timer delays do not add up.
 */
export async function* decode(text: string, draft: Draft, pace: Pace): AsyncGenerator<string> {
  const startedMs = performance.now();
  const readMs = tokensOf(text) * pace.readMsPerToken;
  const writeMs = tokensOf(draft.sentences.join(' ')) * pace.writeMsPerToken;
  let dueMs = readMs + (draft.passes - 1) * (readMs + writeMs);
  for (const sentence of draft.sentences) {
    dueMs += tokensOf(sentence) * pace.writeMsPerToken;
    await sleep(Math.max(0, startedMs + dueMs - performance.now()));
    yield sentence;
  }
}
