import type { DeliveryResult } from '@rampart/connectors';

/** How a destination likes to be written to. */
export type Pace = {
  /** Messages a second it takes for long. */
  readonly perSecond: number;
  /** Messages it takes at once after a silence, from 1. */
  readonly burst: number;
  /**
   * Whether messages that are not pages may be joined into one when there are many: for people, who lose sight of the
   * important one in a flood. Machines are sent each. Default: false.
   */
  readonly joins?: boolean;
};

/** Failures in a row after which one message at a time tries whether the destination is back. */
const FAILURES_TO_OPEN = 3;
const FIRST_PROBE_MS = 1_000;
const LONGEST_PROBE_MS = 60_000;
/** Messages to people in a minute, above which those that are not pages are gathered. */
const CALM_PER_MINUTE = 20;
const MINUTE_MS = 60_000;

/** What a lane knows of its destination, for people. */
export type LaneStatus = {
  readonly lastDeliveredAt?: number;
  readonly lastFailure?: { readonly at: number; readonly why: string };
  /** Failures since the last answer. */
  readonly failures: number;
  /** Nothing is sent before. */
  readonly waitsUntil?: number;
};

/** What may be sent now: everything, or `pages` only while the rest is gathered until `gatherUntil`. */
export type Turn = { readonly allows: 'all' } | { readonly allows: 'pages'; readonly gatherUntil: number };

/** The way to one destination: how fast, and whether at all. Instants are epoch ms. */
export type Lane = {
  /** When the next message may go: `now`, or later. */
  readonly readyAt: (now: number) => number;
  readonly turn: (now: number) => Turn;
  /** Whether messages that are not pages have been gathered, so that all of them go as one. */
  readonly hasGathered: () => boolean;
  /** A message is about to go. */
  readonly begin: (now: number, isPage: boolean) => void;
  readonly end: (now: number, result: DeliveryResult) => void;
  readonly status: (now: number) => LaneStatus;
};

/** A lane at rest. `random` in [0, 1) spreads its tries. */
export function createLane(pace: Pace, random: () => number): Lane {
  const bucket = createBucket(pace);
  const flood = createFlood(pace.joins === true);
  let notBefore = 0;
  let failures = 0;
  let lastDeliveredAt: number | undefined;
  let lastFailure: LaneStatus['lastFailure'];
  const readyAt = (now: number) => Math.max(now, notBefore, bucket.readyAt(now));
  return {
    readyAt,
    turn: flood.turn,
    hasGathered: flood.hasGathered,
    begin(now, isPage) {
      bucket.take(now);
      if (!isPage) flood.note(now);
    },
    end(now, result) {
      if (result.kind === 'delivered') lastDeliveredAt = now;
      else lastFailure = { at: now, why: result.why };
      // Whoever refuses a message, or asks for patience, is there.
      const isAway = result.kind === 'retry' && result.afterMs === undefined;
      failures = isAway ? failures + 1 : 0;
      if (failures >= FAILURES_TO_OPEN) notBefore = now + probeDelayMs(failures, random());
      if (result.kind === 'retry' && result.afterMs !== undefined) notBefore = now + result.afterMs;
    },
    status(now) {
      const at = Math.max(notBefore, flood.gatherUntil(now) ?? 0);
      return {
        failures,
        ...(lastDeliveredAt !== undefined && { lastDeliveredAt }),
        ...(lastFailure !== undefined && { lastFailure }),
        ...(at > now && { waitsUntil: at }),
      };
    },
  };
}

/** Doubling from 1 s to 1 min: short, for a page may wait behind it. */
function probeDelayMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_PROBE_MS, FIRST_PROBE_MS * 2 ** (failures - FAILURES_TO_OPEN));
  return Math.round(full * (1 - random / 2));
}

/** A token bucket. */
function createBucket({ perSecond, burst }: Pace) {
  let tokens = burst;
  let at = 0;
  const filled = (now: number) => Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
  return {
    readyAt: (now: number) => {
      const missing = 1 - filled(now);
      return missing <= 1e-9 ? now : now + Math.ceil((missing / perSecond) * 1000);
    },
    take(now: number) {
      tokens = filled(now) - 1;
      at = now;
    },
  };
}

/** Keeps what is not urgent to so many messages in any minute. */
function createFlood(joins: boolean) {
  let sent: readonly number[] = [];
  let isGathering = false;
  const gatherUntil = (now: number): number | undefined => {
    const [first] = sent;
    const isFull = joins && sent.length >= CALM_PER_MINUTE && first !== undefined && first + MINUTE_MS > now;
    return isFull ? first + MINUTE_MS : undefined;
  };
  return {
    gatherUntil,
    turn(now: number): Turn {
      const until = gatherUntil(now);
      if (until === undefined) return { allows: 'all' };
      isGathering = true;
      return { allows: 'pages', gatherUntil: until };
    },
    hasGathered: () => isGathering,
    note(now: number) {
      sent = [...sent, now].slice(-CALM_PER_MINUTE);
      isGathering = false;
    },
  };
}
