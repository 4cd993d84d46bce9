/** Exit codes: done, refused, wrong usage, no server. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Every error of the command line itself with its exit code and what to do; docs/errors.md lists them. */
export const CLI_ERRORS = {
  USAGE: { exitCode: 2, remedy: 'Add --help to the command to see what it takes.' },
  NO_TOKEN: {
    exitCode: 2,
    remedy:
      'On this machine `npx rampart serve` writes one for you. For another server ask its admin for one (`rampart token create`), then set RAMPART_TOKEN or give --token.',
  },
  CREDENTIALS_INVALID: { exitCode: 2, remedy: 'Correct or remove the file; `rampart serve` writes a new one.' },
  FILE_MISSING: { exitCode: 2, remedy: 'Check the path; for a plan, `rampart init` writes an example.' },
  FILE_UNREADABLE: { exitCode: 2, remedy: 'Check that it is a file and who may read or write it.' },
  FILE_EXISTS: { exitCode: 1, remedy: 'Give another name, or --force to replace it.' },
  FILE_KIND_UNKNOWN: { exitCode: 2, remedy: 'Use .yaml, .yml, .json, .ts, .mts, .js or .mjs.' },
  DATA_INVALID: { exitCode: 2, remedy: 'Correct the file; it must hold one JSON or YAML mapping.' },
  PLAN_MODULE_FAILED: { exitCode: 1, remedy: 'Correct the module; `node FILE` shows the same error.' },
  PLAN_EXPORT_MISSING: {
    exitCode: 1,
    remedy: 'Export the plan: `export default { … }`, or under the name rolloutConfig or config.',
  },
  PLAN_INVALID: {
    exitCode: 1,
    remedy: 'Correct what is listed; `rampart schema` gives editors the JSON Schema of a plan.',
  },
  TRAFFIC_INVALID: {
    exitCode: 2,
    remedy: 'Correct the option that the message names; `rampart help plan` lists them all.',
  },
  SIMULATION_INVALID: {
    exitCode: 2,
    remedy: 'Correct the option that the message names; `rampart help simulate` lists them all.',
  },
  NO_ROLLOUT: { exitCode: 1, remedy: 'Start one: `rampart start FILE`.' },
  ROLLOUT_NOT_FOUND: { exitCode: 1, remedy: '`rampart list --all` shows every rollout.' },
  ROLLOUT_AMBIGUOUS: { exitCode: 2, remedy: 'Name one of them: its id, or the key of its flag.' },
  NOTHING_TO_BACKTEST: {
    exitCode: 1,
    remedy: 'Bind metrics to it in the plan: `errorRate: { source: prometheus, bad: SELECTOR, total: SELECTOR }`.',
  },
  HISTORY_UNREACHABLE: { exitCode: 3, remedy: 'Check the address, and that Prometheus runs there.' },
  HISTORY_UNREADABLE: {
    exitCode: 1,
    remedy:
      'Correct what the message names: the queries in the plan, or the credentials (RAMPART_PROMETHEUS_TOKEN, or RAMPART_PROMETHEUS_USER and RAMPART_PROMETHEUS_PASSWORD).',
  },
  BASELINE_NOT_FOUND: {
    exitCode: 1,
    remedy: '`rampart baseline show` shows the one in force, and `rampart status` what a first one waits for.',
  },
  WEBHOOK_NOT_FOUND: { exitCode: 1, remedy: '`rampart webhook list` shows every webhook.' },
  LETTER_NOT_FOUND: { exitCode: 1, remedy: '`rampart notify dead` shows every message that was given up.' },
  HOOK_NOT_FOUND: { exitCode: 1, remedy: '`rampart hook list` shows every hook.' },
  PLANE_NOT_SET: {
    exitCode: 2,
    remedy: 'Set PLANE_BASE_URL (https://api.plane.so, or your own) and PLANE_API_KEY (a personal access token).',
  },
  TRACKER_REFUSED: { exitCode: 1, remedy: 'Correct what the message names; nothing was changed.' },
  TRACKER_UNREACHABLE: {
    exitCode: 3,
    remedy: 'Try again; with --external-id (or --comment-id) the same call makes nothing twice.',
  },
  PORT_IN_USE: { exitCode: 1, remedy: 'Give another one with --port, or stop what listens there.' },
  START_FAILED: { exitCode: 1, remedy: 'Correct what the message names, then start again; nothing was changed.' },
} as const satisfies Readonly<Record<string, { exitCode: ExitCode; remedy: string }>>;

/** Code of an error of the command line itself. */
export type CliErrorCode = keyof typeof CLI_ERRORS;

/** An error of the command line itself. `message` says what was received. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  /** Code to tell: that of the server behind a `START_FAILED`, else `code`. */
  readonly shownCode: string;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions & { readonly shownCode?: string }) {
    super(message, options);
    this.code = code;
    this.shownCode = options?.shownCode ?? code;
  }
}
