import { ProblemError } from '@rampart/api';

/** Most messages and list entries of one request: small ones take far more memory than bytes. */
export const MOST_ELEMENTS = 1_000_000;

/** Counts what a request is made of. @throws ProblemError `BODY_TOO_LARGE` once it is too much */
export function elementBudget(): () => void {
  let left = MOST_ELEMENTS;
  return () => {
    left -= 1;
    if (left >= 0) return;
    const detail = `The request holds more than ${MOST_ELEMENTS} messages and list entries; export smaller batches.`;
    throw new ProblemError('BODY_TOO_LARGE', detail);
  };
}
