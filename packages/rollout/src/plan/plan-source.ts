import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Locate, PathPart, PlanPath } from './issue-log.ts';

/** A YAML or JSON text as plain values with the place of each, or what is wrong with its syntax. */
export type PlanSource =
  | { readonly ok: true; readonly value: unknown; readonly locate: Locate }
  | {
      readonly ok: false;
      readonly errors: readonly { readonly message: string; readonly line: number; readonly column: number }[];
    };

type Found = { readonly key: unknown; readonly value: unknown };

function step(found: Found, part: string | number): Found | undefined {
  if (isSeq(found.value)) {
    const item = found.value.items[Number(part)];
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(found.value)) return undefined;
  return found.value.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function offsetOf(document: Document.Parsed, path: PlanPath, part: PathPart): number | undefined {
  let found: Found = { key: undefined, value: document.contents };
  for (const name of path) {
    const value = isAlias(found.value) ? found.value.resolve(document) : found.value;
    const next = step({ key: found.key, value }, name);
    if (!next) return startOf(found.value);
    found = next;
  }
  return startOf(part === 'key' ? found.key : found.value) ?? startOf(found.key);
}

/** Where the first alias without an anchor stands, else the first alias at all. */
function doubtfulAlias(document: Document.Parsed): number {
  const offsets: number[] = [];
  const unknown: number[] = [];
  visit(document, {
    Alias(_, alias) {
      const offset = startOf(alias) ?? 0;
      offsets.push(offset);
      if (!alias.resolve(document)) unknown.push(offset);
    },
  });
  return unknown[0] ?? offsets[0] ?? 0;
}

/** A value that is safe to keep: copied, plain JSON, free of cycles, functions and `undefined`. Throws `TypeError` on a cycle. */
export function plainCopy(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

type Place = { readonly line: number; readonly column: number };

function placeIn(counter: LineCounter, offset: number): Place {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function resolved(document: Document.Parsed, counter: LineCounter): PlanSource {
  try {
    const value = plainCopy(document.toJS());
    return { ok: true, value, locate: (path, part) => placeIn(counter, offsetOf(document, path, part) ?? 0) };
  } catch (error) {
    // Aliases that are unknown, circular or too many only show when the document is resolved.
    return { ok: false, errors: [{ message: String(error), ...placeIn(counter, doubtfulAlias(document)) }] };
  }
}

/** Keys and indexes of a printed path such as `stages[1].audience`. */
function pathOf(text: string): PlanPath {
  return text
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/**
 * Line and column, from 1, of what an issue's `path` names in the text of a plan, or of the nearest key above it. Empty
 * for text that is neither YAML nor JSON.
 */
export function placeInPlan(text: string, path: string): Partial<Place> {
  const source = readSource(text);
  return (source.ok && source.locate(pathOf(path), 'value')) || {};
}

/** One slip of syntax can lead to hundreds of errors; the first few tell it all. */
const MOST_ERRORS = 10;

/** Reads YAML 1.2 or JSON (its subset) with one parser, so that both have lines and columns. Never throws. */
export function readSource(text: string): PlanSource {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length === 0) return resolved(document, counter);
  const errors = document.errors.slice(0, MOST_ERRORS);
  return { ok: false, errors: errors.map(({ message, pos }) => ({ message, ...placeIn(counter, pos[0]) })) };
}
