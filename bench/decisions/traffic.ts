import type { Chance } from './chance.ts';

/** Requests (n) and errors (x) per minute of treatment, of the part of control that is as large, and of all control. */
export type Traffic = {
  readonly nT: Float64Array;
  readonly xT: Float64Array;
  readonly nM: Float64Array;
  readonly xM: Float64Array;
  readonly nC: Float64Array;
  readonly xC: Float64Array;
};

/** Minutes of a stage: 48 hours. */
export const MINUTES = 2880;
/** Error rate of control. */
export const BASE_RATE = 0.001;
/** Requests per minute: treatment, as many of control, and the rest of control. */
export const PER_MINUTE = { treatment: 100, rest: 1800 } as const;
/** Minutes of a day. */
export const DAY = 1440;
const INCIDENT = { minutes: 10, rate: 0.03 } as const;

/** What kind of two days it is. */
export type World = {
  /** Treatment's error rate over control's. */
  readonly ratio: number;
  /** Traffic and rate swing over the day, and incidents hit both arms. */
  readonly isDiurnal: boolean;
  /** Minute at which the ratio begins to hold. Default: 0. */
  readonly onset?: number;
};

/** SIM-A of the method notes: one stage of 48 hours, independent requests, a look every minute. */
export function simulateTraffic(chance: Chance, world: World): Traffic {
  const { ratio, isDiurnal, onset = 0 } = world;
  const [nT, xT, nM, xM, nC, xC] = Array.from({ length: 6 }, () => new Float64Array(MINUTES));
  const incident = isDiurnal ? incidents(chance) : undefined;
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const wave = isDiurnal ? Math.sin((2 * Math.PI * minute) / DAY) : 0;
    const rate = incident?.[minute] ? INCIDENT.rate : BASE_RATE * (1 + 0.5 * wave);
    const ofTreatment = Math.round(PER_MINUTE.treatment * (1 + 0.6 * wave));
    const ofRest = Math.round(PER_MINUTE.rest * (1 + 0.6 * wave));
    nT[minute] = ofTreatment;
    nM[minute] = ofTreatment;
    nC[minute] = ofTreatment + ofRest;
    xT[minute] = chance.binomial(ofTreatment, minute < onset ? rate : rate * ratio);
    xM[minute] = chance.binomial(ofTreatment, rate);
    xC[minute] = xM[minute] + chance.binomial(ofRest, rate);
  }
  return { nT, xT, nM, xM, nC, xC };
}

/** Minutes that lie in an incident; one begins at any minute with a chance of one a day. */
function incidents(chance: Chance): Uint8Array {
  const hit = new Uint8Array(MINUTES);
  for (let minute = 0; minute < MINUTES; minute += 1) {
    if (chance.uniform() < 1 / DAY) hit.fill(1, minute, minute + INCIDENT.minutes);
  }
  return hit;
}
