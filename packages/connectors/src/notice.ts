import { formatDuration } from '@rampart/rollout';
import type { Notification } from './notification.ts';

/** How a notice is to be taken: something broke, wants attention, is well again, or is for the record. */
export type Tone = 'bad' | 'caution' | 'good' | 'neutral';

/** A notification as people read it, in plain text: escape it for where it is shown. */
export type Notice = {
  /** What happened and to which rollout, one line. */
  readonly title: string;
  /** What happened, as a sentence on one line; of a digest only its first line. */
  readonly summary: string;
  /** All of what is said, line by line; never empty. */
  readonly lines: readonly string[];
  /** What stands beside the text; each on one line. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** Most telling first. Empty without `publicUrl`. */
  readonly links: readonly { readonly title: string; readonly url: string }[];
  readonly tone: Tone;
  /** Of the tone, one character. */
  readonly emoji: string;
  /** Of the tone, as `#rrggbb`. */
  readonly color: string;
};

const LOOKS: Readonly<Record<Tone, { readonly emoji: string; readonly color: string }>> = {
  bad: { emoji: '🔴', color: '#c62828' },
  caution: { emoji: '🟠', color: '#ef6c00' },
  good: { emoji: '🟢', color: '#2e7d32' },
  neutral: { emoji: '🔵', color: '#1565c0' },
};

/** Messages that say that something is well, or well again. */
const GOOD = [
  'alert.cleared',
  'approval.given',
  'data.valid',
  'incident.fixed',
  'incident.resolved',
  'rollout.completed',
  'rollout.resumed',
  'sight.returned',
  'stage.passed',
];

/** Facts that the text says already, or that are of use to machines only. */
const UNTOLD = ['reason', 'text', 'question', 'why', 'title', 'index', 'failed', 'check', 'confirmations', 'byMs'];
const MOST_FACTS = 10;
const LONGEST_FACT = 300;

/** A notification as a notice. `publicUrl`: origin that links begin with. Default: no links. */
export function noticeOf(message: Notification, publicUrl?: string): Notice {
  const lines = linesOf(message.text);
  const [summary = message.type] = lines;
  const tone = toneOf(message);
  return {
    title: oneLine(titleOf(message)),
    summary,
    lines: lines.length === 0 ? [summary] : lines,
    facts: factsOf(message),
    links: publicUrl === undefined ? [] : linksOf(message, publicUrl),
    tone,
    ...LOOKS[tone],
  };
}

/** A text on one line, without characters that control a terminal or a protocol. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

/** The beginning of a text, at most `most` characters with the mark that something is left out. Cuts no character in two. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map(oneLine)
    .filter((line) => line !== '');
}

function toneOf({ severity, type }: Notification): Tone {
  if (severity === 'page') return 'bad';
  if (severity === 'warn') return 'caution';
  return GOOD.includes(type) ? 'good' : 'neutral';
}

function titleOf({ type, flag, environment }: Notification): string {
  const what = wordsOf(type);
  return flag === '' ? `${what} (${environment})` : `${what}: ${flag} (${environment})`;
}

/** `kill-switch.tripped`, `byMs`: words. */
function wordsOf(name: string): string {
  const words = name
    .replace(/(?<=.)(At|Ms)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[.-]/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function factsOf({ data, stage, by, type }: Notification): Notice['facts'] {
  const all: Notification['data'] = { ...(stage !== undefined && { stage }), ...data };
  const told = Object.entries(all).flatMap(([key, value]) => {
    if (UNTOLD.includes(key) || value === undefined || value === '') return [];
    return [{ name: wordsOf(key), value: clipped(oneLine(factText(key, value)), LONGEST_FACT) }];
  });
  const who = type === 'digest' ? [] : [{ name: 'By', value: oneLine(by) }];
  return [...told.slice(0, MOST_FACTS - who.length), ...who];
}

function factText(key: string, value: NonNullable<Notification['data'][string]>): string {
  if (typeof value === 'number') return numberText(key, value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.join(', ');
  const parts = Object.entries(value).map(([name, number]) => `${wordsOf(name).toLowerCase()} ${number}`);
  return parts.join(', ');
}

function numberText(key: string, value: number): string {
  if (key === 'since' || /[a-z]At$/.test(key)) return new Date(value).toISOString().replace(/\.\d+Z$/, 'Z');
  return /[a-z]Ms$/.test(key) ? formatDuration(value) : String(value);
}

function linksOf({ rollout, data }: Notification, publicUrl: string): Notice['links'] {
  if (rollout === '') return [];
  const url = `${publicUrl.replace(/\/+$/, '')}/rollouts/${encodeURIComponent(rollout)}`;
  const { incident } = data;
  const incidents =
    typeof incident === 'number' ? [{ title: `Incident ${incident}`, url: `${url}/incidents/${incident}` }] : [];
  return [...incidents, { title: 'Rollout', url }];
}
