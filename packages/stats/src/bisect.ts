/** Enough to get from 1 to 1e-60; most searches end at neighbouring numbers long before. */
const HALVINGS = 200;

/**
 * Where a condition stops holding between two points, by repeated halving.
 *
 * @param holds true at `low`, false at `high`, and changes once in between.
 * @returns the last point found where it still holds; within a rounding step of the change, or within 2^-200 of the range.
 */
export function bisect(holds: (point: number) => boolean, low: number, high: number): number {
  let inside = low;
  let outside = high;
  for (let step = 0; step < HALVINGS; step += 1) {
    const middle = (inside + outside) / 2;
    if (middle === inside || middle === outside) break;
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}
