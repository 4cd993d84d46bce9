import fc from 'fast-check';
import type { RolloutCommand } from '../command.ts';
import type { Baseline } from '../verdict.ts';

function lineAt(value: number): Baseline {
  const metrics = { errorRate: { value, count: 1e6, low: value * 0.9, high: value * 1.1 } };
  return { fromAt: 0, toAt: 1, metrics };
}

/** Baselines with nothing in them, with the line where it was, and far away; with a reason and without. */
export const captureCommand: fc.Arbitrary<RolloutCommand> = fc.record({
  type: fc.constant('CaptureBaseline' as const),
  reason: fc.constantFrom('because', ' '),
  baseline: fc.constantFrom<Baseline[]>({ fromAt: 0, toAt: 1, metrics: {} }, lineAt(0.001), lineAt(0.2)),
});
