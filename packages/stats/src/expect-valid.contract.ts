import { expect } from 'vitest';
import { type Game, play } from './enumeration.contract.ts';

/** Level of the tests in small experiments: high, so that few looks can reach it. */
export const ALPHA = 0.3;
/** Rounding of a few thousand sums. */
export const SLACK = 1e-11;

/** Every look at a small experiment under the null: no stopping rule gains, and alpha holds. It is no empty statement. */
export function expectValid<State, Outcome>(game: Game<State, Outcome>) {
  const { bestStop, crossed } = play(game, ALPHA);
  expect(bestStop).toBeLessThanOrEqual(1 + SLACK);
  expect(crossed).toBeLessThanOrEqual(ALPHA);
  expect(crossed).toBeGreaterThan(0);
}
