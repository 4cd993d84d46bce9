import { type Arm, type ExposurePlace, FULL_WEIGHT, USER_BUCKETS } from '@rampart/flags';

/** Where an answer was given: the place of its user in a rollout, and the user's bucket. Nothing in it says who the user is. */
export type EvaluationPlace = ExposurePlace & { readonly bucket: number };

const ARMS: readonly Arm[] = ['treatment', 'control', 'targeted'];
const SHAPE = /^([A-Za-z0-9._-]{1,200})\/(\d{1,9})\/(\d{1,9})\/(\d{1,6})\/([a-z]+)\/(\d{1,2})$/;

/** Text that stands for a place. Kept with an answer, it lets a score that comes days later count where the answer was given. */
export function evaluationIdOf({ rollout, attempt, epoch, stratum, arm, bucket }: EvaluationPlace): string {
  return [rollout, attempt, epoch, stratum, arm, bucket].join('/');
}

/** The place of an evaluation id; `undefined` for any other text. Whether the rollout exists is not looked at. */
export function parseEvaluationId(id: string): EvaluationPlace | undefined {
  const match = SHAPE.exec(id);
  const arm = ARMS.find((one) => one === match?.[5]);
  if (match === null || arm === undefined) return undefined;
  const [, rollout = ''] = match;
  const [attempt, epoch, stratum, bucket] = [Number(match[2]), Number(match[3]), Number(match[4]), Number(match[6])];
  if (attempt < 1 || stratum > FULL_WEIGHT || bucket >= USER_BUCKETS) return undefined;
  return { rollout, attempt, epoch, stratum, arm, bucket };
}
