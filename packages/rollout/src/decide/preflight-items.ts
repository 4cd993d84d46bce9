import { ACCEPT_RANDOM_INTERNAL } from '../plan/internal-segment.ts';
import { FLAG_CONFIGURED, PLAN_APPROVED, ROLLBACK_TESTED } from '../plan/read-preflight.ts';
import type { PreflightCheck } from '../plan.ts';
import type { RolloutState } from '../state.ts';

/** What a pre-flight item asks of whoever gives it by hand. */
export type EvidenceNeed =
  | 'none'
  /** A link (http, https) or a reference that others can look up. */
  | 'reference'
  | 'link'
  /** A reference, or a note that says how it was done. */
  | 'account'
  /** Nobody gives it by hand. */
  | 'not-by-hand';

const NEEDS: Readonly<Record<string, EvidenceNeed>> = {
  'launch-readiness': 'reference',
  'dashboards-ready': 'link',
  [ROLLBACK_TESTED]: 'account',
  [PLAN_APPROVED]: 'none',
  [ACCEPT_RANDOM_INTERNAL]: 'none',
};

/** What stands behind an item, as the plan has it. */
export function preflightCheckOf({ plan }: RolloutState, item: string): PreflightCheck {
  return plan.preflightChecks?.[item] ?? {};
}

/** What an item asks of a person now. What Rampart found not to hold cannot be ticked away. */
export function evidenceNeedOf(state: RolloutState, item: string): EvidenceNeed {
  const { by } = preflightCheckOf(state, item);
  if (by !== undefined) return by.kind === 'link' ? 'link' : 'not-by-hand';
  const failure = state.preflightFailures?.[item];
  if (item === FLAG_CONFIGURED) return failure === undefined ? 'none' : 'not-by-hand';
  return item === ROLLBACK_TESTED && hasFailedDrill(state) ? 'not-by-hand' : (NEEDS[item] ?? 'none');
}

/** Whether the last drill has shown that SDKs do not follow: words are no evidence against that. */
function hasFailedDrill({ drills }: RolloutState): boolean {
  return drills?.at(-1)?.passed === false;
}

const LINK = /^https?:\/\/[^\s/]+\S*$/i;
/** Words that say yes and show nothing. */
const TICKS: readonly string[] = [
  'yes',
  'ok',
  'okay',
  'done',
  'true',
  'ready',
  'fine',
  'checked',
  'lgtm',
  'n/a',
  'none',
  'tbd',
];
const SHORTEST_REFERENCE = 3;

/** Whether a text is a link that can be followed. */
export function isLink(text: string | undefined): boolean {
  return text !== undefined && LINK.test(text.trim());
}

/** Whether a text names what others can look up, and is more than a yes. */
export function isReference(text: string | undefined): boolean {
  const word = text?.trim().toLowerCase() ?? '';
  return word.length >= SHORTEST_REFERENCE && /[\p{L}\p{N}]/u.test(word) && !TICKS.includes(word);
}

/** A pre-flight item that is not given, why, and what helps. */
export type MissingItem = { readonly item: string; readonly why?: string; readonly remedy: string };

const BY_HAND: Readonly<Record<EvidenceNeed, (id: string, item: string) => string>> = {
  none: (id, item) => `rampart approve ${id} ${item}`,
  reference: (id, item) => `rampart approve ${id} ${item} --evidence URL-OR-REFERENCE`,
  link: (id, item) => `rampart approve ${id} ${item} --evidence URL`,
  account: (id, item) => `rampart approve ${id} ${item} --evidence URL, or --note that says how it was done`,
  'not-by-hand': () => 'put right what it says; Rampart looks again by itself',
};

function remedyOf(state: RolloutState, item: string): string {
  const { by } = preflightCheckOf(state, item);
  if (by?.kind === 'hook') return `a signed delivery to POST /v1/hooks/${by.hook} gives it`;
  if (by?.kind === 'url')
    return `Rampart asks ${by.url} again by itself; it is given when it answers ${by.expect ?? '2xx'}`;
  if (by?.kind === 'query')
    return `Rampart asks ${by.source} again by itself; it is given when the query returns a series`;
  if (item === PLAN_APPROVED)
    return `another principal than ${state.startedBy ?? 'the one who started'} approves the plan: rampart approve ${state.id} ${item}`;
  if (item === ROLLBACK_TESTED && hasFailedDrill(state))
    return `put right what it says, then rampart drill ${state.id}; or a person waives it: rampart approve ${state.id} ${item} --waive --note WHY`;
  const byHand = BY_HAND[evidenceNeedOf(state, item)](state.id, item);
  return item === ROLLBACK_TESTED ? `rampart drill ${state.id}, or ${byHand}` : byHand;
}

/** Pre-flight items that are not given, each with why and what helps; empty where pre-flight is complete, or has not begun. */
export function missingPreflight(state: RolloutState): readonly MissingItem[] {
  const open = Object.keys(state.preflight).filter((item) => state.preflight[item] === null);
  return open.map((item) => {
    const why = state.preflightFailures?.[item]?.why;
    return { item, ...(why !== undefined && { why }), remedy: remedyOf(state, item) };
  });
}

/** One missing item as a line of plain text. */
export function describeMissing({ item, why, remedy }: MissingItem): string {
  return `"${item}"${why === undefined ? '' : `: ${why}`} (${remedy})`;
}

/** Items that were given so long ago that the plan wants their evidence anew. */
export function agedItems(state: RolloutState, now: number): readonly string[] {
  return Object.entries(state.preflight).flatMap(([item, given]) => {
    const { maxAgeMs } = preflightCheckOf(state, item);
    return given !== null && maxAgeMs !== undefined && now - given.at > maxAgeMs ? [item] : [];
  });
}
