import type { EventRecord } from '../event.ts';
import { formatElapsed } from '../plan/duration.ts';
import type { Plan } from '../plan.ts';
import type { Incident } from '../state.ts';
import { nameOf } from './describe-event.ts';
import { type DocumentOptions, formatInstant, NOTHING } from './format.ts';
import { escapeMarkdown, markdownTable } from './markdown.ts';
import { type RecordOf, recordsOf, verdictsOf } from './records.ts';

/** An abort and the records of its attempt: what the timeline of its incident is made from. */
export type AbortStory = {
  readonly incident: Incident;
  readonly abort: RecordOf<'RolloutAborted'>;
  /** Records from the attempt's start on; work on the incident may come after the attempt. */
  readonly records: readonly EventRecord[];
};

type Step = { readonly name: string; readonly at?: number; readonly detail: string };

/** When the breached check was first seen to fail in the attempt; the abort itself where no check was breached. In epoch ms. */
export function breachedAt({ incident, abort, records }: AbortStory): number {
  const check = incident.verdict?.check;
  const first = records.find(({ event }) =>
    verdictsOf(event).some((verdict) => verdict.check === check && verdict.status === 'fail'),
  );
  return Math.min(first?.at ?? abort.at, abort.at);
}

function notified({ owners }: Plan, { abort }: AbortStory): Step {
  const who = [...new Set([owners.operator, abort.event.assignee, ...owners.stakeholders])].filter(
    (one) => one !== undefined,
  );
  const whom = who.length === 0 ? 'on-call' : `on-call, ${who.map(escapeMarkdown).join(', ')}`;
  return {
    name: 'Notification queued',
    at: abort.at,
    detail: `${whom}; recorded together with the abort, delivered from the outbox`,
  };
}

function effect({ incident, records }: AbortStory): Step {
  const took = recordsOf(records, 'AbortTookEffect').find(({ event }) => event.incident === incident.number);
  if (took === undefined) return { name: 'Took effect', detail: 'not confirmed yet' };
  const { acknowledged, connected } = took.event;
  return {
    name: 'Took effect',
    at: took.at,
    detail: `${acknowledged} of ${connected} connected SDKs confirmed exposure 0`,
  };
}

function triage({ incident, abort, records }: AbortStory): Step {
  const name = 'Triage assigned';
  if (incident.assignee === undefined) return { name, detail: 'nobody yet' };
  const assigned = recordsOf(records, 'IncidentAssigned').find(({ event }) => event.incident === incident.number);
  const at = abort.event.assignee === undefined ? (assigned?.at ?? abort.at) : abort.at;
  return { name, at, detail: `to ${escapeMarkdown(incident.assignee)}` };
}

function rootCause({ incident, records }: AbortStory): Step {
  const name = 'Root cause recorded';
  const last = recordsOf(records, 'RootCauseRecorded').findLast(({ event }) => event.incident === incident.number);
  return last === undefined
    ? { name, detail: 'not yet' }
    : { name, at: last.at, detail: `by ${escapeMarkdown(nameOf(last.by))}` };
}

function fix({ incident }: AbortStory): Step {
  const name = 'Fix recorded';
  return incident.fix === undefined
    ? { name, detail: 'not yet' }
    : { name, at: incident.fix.at, detail: `by ${escapeMarkdown(nameOf(incident.fix.by))}` };
}

function resolved({ incident }: AbortStory): Step {
  const at = incident.resolvedAt;
  return at === undefined ? { name: 'Resolved', detail: 'not yet' } : { name: 'Resolved', at, detail: '' };
}

/** The steps of the abort protocol (design §5) as a Markdown table, with the time of each and how long after the breach it came. */
export function abortTimeline(plan: Plan, story: AbortStory, { timeZone }: DocumentOptions): string {
  const { incident, abort } = story;
  const breach = breachedAt(story);
  const what = incident.verdict === undefined ? 'no check: see the summary' : escapeMarkdown(incident.verdict.check);
  const steps: readonly Step[] = [
    { name: 'Breach seen', at: breach, detail: what },
    { name: 'Flag to 0 %', at: abort.at, detail: `by ${escapeMarkdown(nameOf(incident.openedBy))}` },
    effect(story),
    notified(plan, story),
    triage(story),
    rootCause(story),
    fix(story),
    resolved(story),
  ];
  const rows = steps.map(({ name, at, detail }) => [
    name,
    at === undefined ? NOTHING : formatInstant(at, timeZone),
    at === undefined ? NOTHING : formatElapsed(at - breach),
    detail,
  ]);
  return markdownTable(['Step', 'When', 'After the breach', 'Detail'], rows);
}
