import type { Session } from '../session.ts';

/** How far a long job is, on standard error. */
export type Progress = {
  /** `share` in [0, 1]. */
  readonly show: (share: number) => void;
  readonly end: () => void;
};

/** Steps in which progress is told where the line cannot be redrawn. */
const STEP = 0.1;

/** Progress of a job: one line redrawn on a terminal, a line for each tenth elsewhere; nothing with `--json`. */
export function openProgress({ io, isJson }: Session, what: string): Progress {
  let told = 0;
  if (isJson) return { show: () => undefined, end: () => undefined };
  const text = (share: number) => `${what}: ${Math.floor(share * 100)} %`;
  if (io.isTty) {
    return {
      show: (share) => io.stderr(`\r${text(share)}`),
      // Erases the line (ECMA-48 EL).
      end: () => io.stderr('\r\u001B[2K'),
    };
  }
  return {
    show(share) {
      if (share >= 1 || share < told + STEP) return;
      told = Math.floor(share / STEP) * STEP;
      io.stderr(`${text(share)}\n`);
    },
    end: () => undefined,
  };
}
