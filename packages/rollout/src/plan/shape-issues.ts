import { z } from 'zod';
import { formatPath, type IssueLog, type PlanPath } from './issue-log.ts';
import { suggest } from './nearest.ts';
import { planSchema } from './plan-schema.ts';

type ShapeIssue = z.core.$ZodIssue;

const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['object', 'a mapping'],
  ['record', 'a mapping'],
  ['array', 'a list'],
]);

/** The value at a path of plain data. */
function valueAt(value: unknown, path: PlanPath): unknown {
  return path.reduce<unknown>((at, part) => new Map(Object.entries(Object(at))).get(String(part)), value);
}

/** A short rendering of a received value. */
function received(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a mapping' : String(JSON.stringify(value));
}

function branches(schema: unknown): readonly unknown[] {
  const any = valueAt(schema, ['anyOf']);
  return Array.isArray(any) ? any.flatMap(branches) : [schema];
}

/** The keys a plan knows at a path: found by walking the JSON Schema along it. */
function knownKeys(path: PlanPath): readonly string[] {
  const inside = (schema: unknown, part: string | number) => {
    const open = valueAt(schema, ['additionalProperties']);
    return typeof part === 'number' ? valueAt(schema, ['items']) : (valueAt(schema, ['properties', part]) ?? open);
  };
  const found = path.reduce<readonly unknown[]>(
    (schemas, part) => schemas.flatMap(branches).map((schema) => inside(schema, part)),
    [z.toJSONSchema(planSchema, { io: 'input' })],
  );
  const keys = found.flatMap(branches).flatMap((schema) => Object.keys(Object(valueAt(schema, ['properties']))));
  return [...new Set(keys)];
}

/** Whether the received value had the type of this branch of a union, so that the issues lie deeper. */
function isEntered(branch: readonly ShapeIssue[]): boolean {
  return branch.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type');
}

/** The branch that was most likely meant: of the right type, with the fewest complaints. */
function likeliest(issue: ShapeIssue): readonly ShapeIssue[] | undefined {
  if (issue.code !== 'invalid_union') return undefined;
  const complaints = (branch: readonly ShapeIssue[]) =>
    branch.reduce((sum, inner) => sum + (inner.code === 'unrecognized_keys' ? inner.keys.length : 1), 0);
  return issue.errors.filter(isEntered).sort((left, right) => complaints(left) - complaints(right))[0];
}

function expectedTypes(issue: ShapeIssue): readonly string[] {
  if (issue.code === 'invalid_type') return [TYPE_WORDS.get(issue.expected) ?? issue.expected];
  return issue.code === 'invalid_union' ? issue.errors.flatMap((branch) => branch.flatMap(expectedTypes)) : [];
}

const CRITERIA = 'abortCriteria';
const ALERT = 'alert';
const ALERT_KEYS = [ALERT, 'labels'];

/** Whether a value is an item that names an alert. */
function namesAlert(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, ALERT);
}

/** Whether an item of a list names an alert where no alert can stand. */
function isMisplacedAlert(plan: unknown, path: PlanPath): boolean {
  return path[0] !== CRITERIA && typeof path.at(-1) === 'number' && namesAlert(valueAt(plan, path));
}

/** An alert where no alert can stand: one message in place of what every other shape misses. */
function logMisplacedAlert(path: PlanPath, log: IssueLog): void {
  const message = `an alert stands only in ${CRITERIA}, for that it never fired proves nothing; move it there from ${formatPath(path.slice(0, -1))}`;
  log.error('unknown-key', [...path, ALERT], message, 'key');
}

function logUnknownKeys(keys: readonly string[], path: PlanPath, at: unknown, log: IssueLog): void {
  const known = namesAlert(at) ? ALERT_KEYS : knownKeys(path).filter((key) => !keys.includes(key));
  for (const key of keys) {
    log.error('unknown-key', [...path, key], `unknown key ${JSON.stringify(key)}; ${suggest(key, known)}`, 'key');
  }
}

/** What a text or a list has more or less of. */
const COUNTED: ReadonlyMap<string, string> = new Map([
  ['string', ' characters'],
  ['array', ' items'],
]);

/** What a value out of its range must be instead. */
function rangeOf(issue: ShapeIssue): string {
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return issue.message;
  if (issue.code === 'too_small' && issue.minimum === 1 && COUNTED.has(issue.origin)) return 'it must not be empty';
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const words = issue.code === 'too_small' ? ['at least', 'more than'] : ['at most', 'less than'];
  const noun = COUNTED.get(issue.origin) ?? '';
  return `it must ${noun === '' ? 'be' : 'have'} ${issue.inclusive === false ? words[1] : words[0]} ${bound}${noun}`;
}

function logValue(issue: ShapeIssue, path: PlanPath, at: unknown, log: IssueLog): void {
  const name = formatPath(path.slice(typeof path.at(-1) === 'number' ? -2 : -1)) || 'a plan';
  const types = [...new Set(expectedTypes(issue))];
  if (issue.code === 'invalid_value') {
    const words = issue.values.map(String);
    const hint = suggest(String(at), words);
    log.error('unknown-value', path, `received ${received(at)} for ${name}; ${hint} (one of ${words.join(', ')})`);
  } else if (types.length > 0) {
    const hint = name === 'version' ? '; put it in quotes' : '';
    log.error('wrong-type', path, `received ${received(at)}; ${name} must be ${types.join(' or ')}${hint}`);
  } else log.error('out-of-range', path, `received ${received(at)} for ${name}; ${rangeOf(issue)}`);
}

function logIssue(issue: ShapeIssue, base: PlanPath, value: unknown, log: IssueLog): void {
  const path: PlanPath = [...base, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const at = valueAt(value, path);
  const meant = likeliest(issue);
  if (isMisplacedAlert(value, path)) logMisplacedAlert(path, log);
  else if (at === undefined && isMisplacedAlert(value, path.slice(0, -1))) return;
  else if (issue.code === 'unrecognized_keys') logUnknownKeys(issue.keys, path, at, log);
  else if (at === undefined) log.error('missing-key', path, `${JSON.stringify(path.at(-1))} is missing; add it`);
  else if (meant) for (const inner of meant) logIssue(inner, path, value, log);
  else logValue(issue, path, at, log);
}

/** Turns what zod found wrong with `value` (plain JSON data, not `undefined`) into coded issues with places. */
export function logShapeIssues(error: z.ZodError, value: unknown, log: IssueLog): void {
  for (const issue of error.issues) logIssue(issue, [], value, log);
}
