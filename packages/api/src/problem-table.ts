import type { RefusalCode } from '@rampart/rollout';

/** Where a problem shows up: in an answer of the HTTP API, in the typed client, at the start of a server, or in its log. */
export type ProblemPlace = 'api' | 'command' | 'client' | 'start-up' | 'log';

/** What is known of a problem from its code alone. */
export type ProblemEntry = {
  readonly place: ProblemPlace;
  /** HTTP status; 0 where the problem is never sent over HTTP. */
  readonly status: number;
  /** The same for every occurrence, as RFC 9457 asks. */
  readonly title: string;
  /** What the caller can do about it. */
  readonly remedy: string;
};

/** Problems that are not a refusal of the rollout core. */
type OwnCode =
  | 'TOKEN_MISSING'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_REVOKED'
  | 'ORIGIN_FORBIDDEN'
  | 'NOT_READY'
  | 'TELEMETRY_TOO_LARGE'
  | 'TELEMETRY_INVALID'
  | 'HOOK_SIGNATURE_INVALID'
  | 'PLAN_INVALID'
  | 'VERSION_CONFLICT'
  | 'FLAG_IN_ROLLOUT'
  | 'FLAG_IN_USE'
  | 'NOT_FOUND'
  | 'EVIDENCE_PRUNED'
  | 'METHOD_NOT_ALLOWED'
  | 'BODY_INVALID'
  | 'BODY_TOO_LARGE'
  | 'STORAGE_FULL'
  | 'STORE_UNAVAILABLE'
  | 'RATE_LIMITED'
  | 'REVISION_IN_FUTURE'
  | 'SCHEMA_TOO_NEW'
  | 'SQLITE_TOO_OLD'
  | 'CLOCK_WENT_BACK'
  | 'INTERNAL'
  | 'UNREACHABLE'
  | 'ANSWER_INVALID';

/** Every code a problem can have; the set is closed and listed in docs/errors.md. */
export type ProblemCode = OwnCode | RefusalCode;

const entry = (place: ProblemPlace, status: number, title: string, remedy: string): ProblemEntry => ({
  place,
  status,
  title,
  remedy,
});
const refusal = (title: string, remedy: string, status = 409): ProblemEntry => entry('command', status, title, remedy);

const OWN: Readonly<Record<OwnCode, ProblemEntry>> = {
  TOKEN_MISSING: entry(
    'api',
    401,
    'The request carries no token.',
    'Send `Authorization: Bearer rmp_…`; `rampart token create` makes a token.',
  ),
  TOKEN_INVALID: entry(
    'api',
    401,
    'The token is not one of this server.',
    'Check that the whole token was copied, and that it belongs to this server and environment.',
  ),
  TOKEN_EXPIRED: entry('api', 401, 'The token has expired.', 'Create a new token and replace this one.'),
  TOKEN_REVOKED: entry('api', 401, 'The token was revoked.', 'Ask an admin for a new token.'),
  ORIGIN_FORBIDDEN: entry(
    'api',
    403,
    'It was sent to a name, or from an origin, not ours.',
    'Use an address that `detail` names, or set `publicUrl` in the settings of the server to the one people use.',
  ),
  NOT_READY: entry(
    'api',
    503,
    'The server lives but cannot serve yet.',
    'Read `detail`, repair what it names, and try again; the server looks again by itself.',
  ),
  TELEMETRY_TOO_LARGE: entry(
    'api',
    413,
    'The telemetry batch is too large.',
    'Flush more often, or split the batch: 5000 series at most.',
  ),
  TELEMETRY_INVALID: entry(
    'api',
    422,
    'The telemetry batch cannot be counted.',
    'Correct the fields in `errors`; nothing of the batch was counted. Do not send it again unchanged.',
  ),
  HOOK_SIGNATURE_INVALID: entry(
    'api',
    401,
    'The delivery is not signed by the secret of this hook.',
    'Compare scheme and secret of the hook with those of the sender, and the clocks of both; `detail` says what did not fit.',
  ),
  PLAN_INVALID: entry(
    'api',
    422,
    'The plan has errors.',
    'Correct what `issues` lists, each with its place. `rampart validate FILE` checks offline all but sources, hooks and segments of the server.',
  ),
  VERSION_CONFLICT: entry(
    'api',
    412,
    'It has changed since you read it.',
    'Read it again, decide again, and send the new version in `If-Match`.',
  ),
  FLAG_IN_ROLLOUT: entry(
    'api',
    409,
    'A running rollout owns this part of the flag.',
    'Wait until the rollout ends, or abort or cancel it first.',
  ),
  FLAG_IN_USE: entry(
    'api',
    409,
    'SDKs still evaluate the flag.',
    'Remove it from the code first (`rampart flag references KEY`) and deploy that; or delete it with `--force`: what still evaluates it then serves its fallback.',
  ),
  NOT_FOUND: entry(
    'api',
    404,
    'There is nothing at this address.',
    'Check the path and the key in it; `GET /openapi.json` lists every route.',
  ),
  EVIDENCE_PRUNED: entry(
    'api',
    410,
    'Its evidence is gone: the retention is over.',
    'Events and report are kept; restore a backup to replay it, and set a longer `serve --retention`.',
  ),
  METHOD_NOT_ALLOWED: entry(
    'api',
    405,
    'This address does not take this method.',
    'Use a method of the `Allow` header.',
  ),
  BODY_INVALID: entry(
    'api',
    400,
    'The request is not what this route takes.',
    'Correct the fields in `errors`; `GET /openapi.json` has the schema.',
  ),
  BODY_TOO_LARGE: entry('api', 413, 'The body is too large.', 'Send less at once.'),
  STORAGE_FULL: entry(
    'api',
    507,
    'The disk of the store is full.',
    'Free space on the disk of the store. Nothing acknowledged was lost; repeat the request afterwards.',
  ),
  STORE_UNAVAILABLE: entry(
    'api',
    503,
    'The store does not answer.',
    'Repeat the request with the same `Idempotency-Key`; if it lasts, look at the log of the server.',
  ),
  RATE_LIMITED: entry('api', 429, 'Too many requests.', 'Wait as long as `Retry-After` says, then repeat.'),
  REVISION_IN_FUTURE: entry(
    'log',
    0,
    'An SDK has a newer ruleset than this server.',
    'Nothing to do for the SDK: it is sent the whole ruleset. Check whether the store was restored from an old copy.',
  ),
  SCHEMA_TOO_NEW: entry(
    'start-up',
    0,
    'The store was written by a newer Rampart.',
    'Start the newer version again, or restore a copy made before the upgrade.',
  ),
  SQLITE_TOO_OLD: entry(
    'start-up',
    0,
    'The SQLite of this Node is too old to be safe.',
    'Use the version of Node that package.json pins, or PostgreSQL.',
  ),
  CLOCK_WENT_BACK: entry(
    'log',
    0,
    'The clock of the machine went back.',
    'Repair time synchronisation. Ticks hold until the clock has caught up; aborts do not.',
  ),
  INTERNAL: entry(
    'api',
    500,
    'Something is wrong in Rampart itself.',
    'Look in the log of the server for the request id, and report it.',
  ),
  UNREACHABLE: entry(
    'client',
    0,
    'No Rampart server answers.',
    'Check the address, or start a server: `npx rampart serve`.',
  ),
  ANSWER_INVALID: entry(
    'client',
    0,
    'What answers is not the API of Rampart.',
    'Check the address: another program, or a proxy in between, answered.',
  ),
};

const REFUSALS: Readonly<Record<RefusalCode, ProblemEntry>> = {
  ROLLOUT_EXISTS: refusal(
    'A rollout with this id exists.',
    'Use the rollout that exists, or create one with another id.',
  ),
  ROLLOUT_UNKNOWN: refusal(
    'There is no such rollout.',
    'Check the id; `rampart status` or `GET /v1/rollouts?state=all` lists every rollout.',
    404,
  ),
  WRONG_PHASE: refusal('The rollout is not in a phase that allows this.', 'Look at its phase with `rampart status`.'),
  FORBIDDEN: refusal(
    'This token may not do that.',
    'Use a token of a kind that may, or ask someone who has one; agents may only propose a raise.',
    403,
  ),
  REASON_REQUIRED: refusal('A reason is required.', 'Say why, in `reason`: it stands in the report.'),
  ITEM_UNKNOWN: refusal(
    'The plan has no such item.',
    'Use the exact text of an open item; `rampart status` lists them.',
    404,
  ),
  ITEM_ALREADY_GIVEN: refusal('This item was given already.', 'Nothing to do.'),
  ITEM_NOT_BY_HAND: refusal(
    'This item is not given by hand.',
    'Put right what `detail` says: Rampart looks again by itself, or the hook it names is called.',
  ),
  EVIDENCE_REQUIRED: refusal(
    'This item needs evidence.',
    'Give a link or a reference (`rampart approve ITEM --evidence URL`), or waive it with a reason (`--waive --note`).',
  ),
  PREFLIGHT_INCOMPLETE: refusal(
    'Pre-flight is not complete.',
    'Give what `detail` lists, each by what stands behind it; `rampart status` shows the same list.',
  ),
  NO_SDK_CONNECTED: refusal(
    'No SDK is connected that could follow a drill.',
    'Start the application with its SDK and run `rampart drill` again, or say how the rollback was tested.',
  ),
  DRILL_RUNNING: refusal('A drill of this rollout is running.', 'Wait for its end; `rampart status` shows it.'),
  ANOTHER_PRINCIPAL_REQUIRED: refusal(
    'Someone else has to do this.',
    'Ask a principal other than the one who started or proposed it.',
  ),
  CRITICAL_ISSUE_OPEN: refusal('A critical issue is open.', 'Fix or close it first: `rampart issue fix NUMBER`.'),
  ALREADY_HELD: refusal(
    'The rollout is held already.',
    'Nothing to do; `rampart resume` ends the hold. A person takes over the hold of an agent or of Rampart.',
  ),
  NOT_HELD: refusal('The rollout is not held.', 'Nothing to do.'),
  KILL_SWITCH_LATCHED: refusal('The kill switch is on.', 'A person re-arms it with a reason: `rampart rearm`.'),
  NOT_KILLED: refusal('The kill switch is not on.', 'Nothing to do.'),
  COOLDOWN: refusal(
    'The retry comes too early.',
    'Wait until the cooldown of the plan has passed; `detail` says until when.',
  ),
  RETRY_LIMIT: refusal(
    'The plan allows no further attempt.',
    'Create a new rollout with a plan that takes account of what was learned.',
  ),
  STATISTICS_STILL_FAIL: refusal(
    'The evidence of the same version still fails.',
    'Record the fix and retry with a new `version`: only that starts fresh statistics.',
  ),
  FIX_REQUIRED: refusal(
    'No fix is recorded for the abort.',
    'Record it first: `rampart incident fix`. The same version may be shown again with a reason.',
  ),
  INCIDENT_UNKNOWN: refusal(
    'The rollout has no such incident.',
    'Check the number; `rampart status` lists incidents.',
    404,
  ),
  ACTION_UNKNOWN: refusal(
    'The incident has no such action item.',
    'Check the number; `rampart incident show` lists action items.',
    404,
  ),
  ISSUE_UNKNOWN: refusal('The rollout has no such issue.', 'Check the number; `rampart status` lists issues.', 404),
  PROPOSAL_UNKNOWN: refusal(
    'There is no such open proposal.',
    'Check the number; `rampart status` lists proposals.',
    404,
  ),
  GATE_NOT_REACHED: refusal(
    'The gate of the stage is not passed.',
    'Wait for the evidence that `detail` names, or extend the stage; a person with authority may override with a reason.',
  ),
  CALENDAR_CLOSED: refusal(
    'The calendar of the plan allows no advance now.',
    'Wait until `detail` says; rollbacks are always allowed.',
  ),
  JUDGE_UNKNOWN: refusal(
    'The plan has no judge for this metric.',
    'Name one of those in `detail`; a judge is declared in the plan, under `judges`.',
    404,
  ),
  CALIBRATION_INVALID: refusal(
    'These scores are no calibration.',
    'Score the golden set that the plan names, whole, and send it again as `detail` says.',
  ),
  BASELINE_UNAVAILABLE: refusal(
    'There is nothing to take a baseline from.',
    'Wait for more evidence of those who see the old variant, or bind metrics to a source with a history.',
  ),
  EVIDENCE_OF_HARM: refusal(
    'A check is close to failing on this baseline.',
    'Let it decide, or abort: the line it is held against stays until then.',
  ),
};

/** The one table of problems: what the server answers with, what the client throws, and what docs/errors.md lists. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemEntry>> = { ...OWN, ...REFUSALS };

/** Every code, in the order of the table. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

/** Whether a text is a code of the table; what a newer server sends may not be. */
export function isProblemCode(text: unknown): text is ProblemCode {
  return typeof text === 'string' && Object.hasOwn(PROBLEMS, text);
}
