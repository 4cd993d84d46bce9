/** Exact probabilities for tests: every outcome of a small experiment with its chance, instead of simulation. */

/** A chance in [0, 1] and what happens with it. */
export type Chance<Outcome> = readonly [number, Outcome];

/**
 * A test that is looked at after every batch. Outcomes of a look may depend on what came before. States with the same
 * `key` at the same look are the same, which saves playing them again.
 */
export type Game<State, Outcome> = {
  readonly start: State;
  readonly looks: number;
  readonly outcomes: (look: number, state: State) => readonly Chance<Outcome>[];
  readonly update: (state: State, outcome: Outcome, look: number) => State;
  readonly logE: (state: State) => number;
  readonly key?: (state: State) => string;
};

/**
 * `bestStop`: the largest expected e-value any stopping rule can reach, one that knows all chances included; an e-process
 * keeps it at 1. `crossed`: the chance that the e-value ever reaches 1/alpha.
 */
export type Play = { readonly bestStop: number; readonly crossed: number };

/** Plays every path of a game. */
export function play<State, Outcome>(game: Game<State, Outcome>, alpha: number): Play {
  const played = new Map<string, Play>();
  const walk = (state: State, look: number): Play => {
    if (game.key === undefined) return branch(state, look);
    const key = `${look}:${game.key(state)}`;
    const known = played.get(key) ?? branch(state, look);
    played.set(key, known);
    return known;
  };
  const branch = (state: State, look: number): Play => {
    const logE = game.logE(state);
    const reached = logE >= Math.log(1 / alpha);
    if (look === game.looks) return { bestStop: Math.exp(logE), crossed: reached ? 1 : 0 };
    let [goOn, crossed] = [0, 0];
    for (const [chance, outcome] of game.outcomes(look, state)) {
      const next = walk(game.update(state, outcome, look), look + 1);
      goOn += chance * next.bestStop;
      crossed += chance * next.crossed;
    }
    return { bestStop: Math.max(Math.exp(logE), goOn), crossed: reached ? 1 : crossed };
  };
  return walk(game.start, 0);
}

/** Number of events in n observations of chance p each. */
export function binomial(n: number, p: number): readonly Chance<number>[] {
  let row: readonly number[] = [1];
  for (let k = 0; k < n; k += 1) row = [...row, 0].map((mass, x) => mass * (1 - p) + (row[x - 1] ?? 0) * p);
  return row.map((mass, x) => [mass, x]);
}

/** A Poisson count, cut off where less than 1e-16 is left for small means; the chances add up to at most 1. */
export function poisson(mean: number, most = 60): readonly Chance<number>[] {
  let chance = Math.exp(-mean);
  return Array.from({ length: most }, (_, x) => {
    const row: Chance<number> = [chance, x];
    chance *= mean / (x + 1);
    return row;
  });
}

/** Number of marked ones among `draws` from `marked` and `unmarked` ones, without putting back. */
export function hypergeometric(draws: number, marked: number, unmarked: number): readonly Chance<number>[] {
  let rows: readonly Chance<number>[] = [[1, 0]];
  for (let k = 0; k < draws; k += 1) {
    const next = Array.from({ length: k + 2 }, () => 0);
    for (const [mass, x] of rows) {
      const share = (marked - x) / (marked + unmarked - k);
      next[x + 1]! += mass * share;
      next[x]! += mass * (1 - share);
    }
    rows = next.map((mass, x) => [mass, x]);
  }
  return rows.filter(([mass]) => mass > 0);
}

/** Two independent outcomes together. */
export function both<A, B>(a: readonly Chance<A>[], b: readonly Chance<B>[]): readonly Chance<readonly [A, B]>[] {
  return a.flatMap(([p, x]) => b.map(([q, y]): Chance<readonly [A, B]> => [p * q, [x, y]]));
}

/** Average of a function of an outcome. */
export function expectation<Outcome>(outcomes: readonly Chance<Outcome>[], f: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, [chance, outcome]) => sum + chance * f(outcome), 0);
}
