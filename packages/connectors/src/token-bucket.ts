/** How many requests may go out: a bucket that fills by itself. */
export type TokenBucket = {
  /** Takes a token; or says how long to wait until there are some again, milliseconds. */
  readonly take: () => { readonly ok: true } | { readonly ok: false; readonly waitMs: number };
  /** Gives nothing for so long, milliseconds: whoever is asked said so. */
  readonly pause: (ms: number) => void;
};

const SOME = 10;

/** A full bucket of `size` tokens that is filled again in a minute. `now`: epoch milliseconds. */
export function tokenBucket(size: number, now: () => number): TokenBucket {
  const perMs = size / 60_000;
  let tokens = size;
  let filledAt = now();
  let pausedUntil = 0;
  return {
    take() {
      const at = now();
      tokens = Math.min(size, tokens + Math.max(0, at - filledAt) * perMs);
      filledAt = at;
      if (at < pausedUntil) return { ok: false, waitMs: pausedUntil - at };
      if (tokens < 1) return { ok: false, waitMs: Math.ceil((Math.min(SOME, size) - tokens) / perMs) };
      tokens -= 1;
      return { ok: true };
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + ms);
    },
  };
}
