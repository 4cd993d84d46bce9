import type { MetricQuery } from './ports.ts';

/** Parameters a query may name, each with a colon before it. `from` and `to` are timestamps, the interval is [from, to). */
export const SQL_PARAMETERS = [
  'from',
  'to',
  'fromMs',
  'toMs',
  'flag',
  'treatment',
  'control',
  'rollout',
  'epoch',
] as const;

/** Name of a parameter. */
export type SqlParameter = (typeof SQL_PARAMETERS)[number];

/** A query in pieces: text, and names of parameters between. */
export type SqlPiece = { readonly text: string } | { readonly name: string };

/**
 * What is skipped when parameters are looked for: strings (plain, with backslashes, dollar-quoted), quoted identifiers, comments,
 * and casts. Nested comments of PostgreSQL end at their first end here, which leaves a text that PostgreSQL itself refuses.
 */
const SKIPPED = [
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*'/,
  /'(?:[^']|'')*'/,
  /"(?:[^"]|"")*"/,
  /`[^`]*`/,
  /--[^\n]*/,
  /\/\*[\s\S]*?\*\//,
  /\$(?<tag>[A-Za-z_]\w*)?\$[\s\S]*?\$\k<tag>\$/,
  /::/,
];
const TOKEN = new RegExp(
  `(?<skip>${SKIPPED.map(({ source }) => source).join('|')})|(?<![\\w:]):(?<name>[A-Za-z_]\\w*)`,
  'g',
);

/** A query cut at its parameters, without the semicolon it may end with. */
export function sqlPieces(query: string): readonly SqlPiece[] {
  const text = query.trim().replace(/;\s*$/, '');
  const pieces: SqlPiece[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const name = match.groups?.name;
    if (name === undefined) continue;
    pieces.push({ text: text.slice(at, match.index) }, { name });
    at = match.index + match[0].length;
  }
  return [...pieces, { text: text.slice(at) }];
}

/** Names of the parameters in a query, each once. */
export function parameterNames(query: string): readonly string[] {
  return [...new Set(sqlPieces(query).flatMap((piece) => ('name' in piece ? [piece.name] : [])))];
}

/** A query as one database takes it: its text, and the value of each parameter in the order of first use. */
export type BoundSql = { readonly text: string; readonly names: readonly SqlParameter[] };

/** A query with each parameter written as `place` says. Names are known to be parameters: a binding is checked before. */
export function bindSql(query: string, place: (name: SqlParameter, index: number) => string): BoundSql {
  const names: SqlParameter[] = [];
  const write = (name: SqlParameter) => {
    if (!names.includes(name)) names.push(name);
    return place(name, names.indexOf(name));
  };
  const text = sqlPieces(query).map((piece) => ('text' in piece ? piece.text : write(piece.name as SqlParameter)));
  return { text: text.join(''), names };
}

/** Value of a parameter as text; `from` and `to` in ISO 8601, UTC. */
export function parameterValue(name: SqlParameter, query: MetricQuery): string {
  switch (name) {
    case 'from':
      return new Date(query.fromAt).toISOString();
    case 'to':
      return new Date(query.toAt).toISOString();
    case 'fromMs':
      return String(query.fromAt);
    case 'toMs':
      return String(query.toAt);
    default:
      return String(query[name]);
  }
}
