import type { StartServer } from './control-plane.ts';
import type { ServeMcp } from './serve-mcp.ts';

/** Everything the command line touches outside its own process, so that a test can stand in for it. */
export type Io = {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whole text of standard input. */
  readonly stdin: () => Promise<string>;
  /** Whether a person reads standard output: allows colours and redrawing. */
  readonly isTty: boolean;
  /** Width to lay pages out for, in characters; asked for at each page. */
  readonly columns: () => number;
  /** How a person calls this command line: `rampart`, or `npx rampart` in a checkout. */
  readonly call: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch: typeof fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Ends early, without an error, when the signal aborts. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
  /** Aborts at the first Ctrl-C (or SIGTERM) after the first call; before that, Ctrl-C ends the process. */
  readonly interrupted: () => AbortSignal;
  readonly startServer: StartServer;
  readonly serveMcp: ServeMcp;
};
