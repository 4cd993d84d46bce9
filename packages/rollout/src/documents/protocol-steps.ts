import type { EventRecord, RolloutEvent } from '../event.ts';
import { type AbortStory, breachOf } from './abort-story.ts';
import { nameOf } from './describe-event.ts';
import { retriesUsed } from './next-step.ts';
import { type Block, count, elapsed, instant, type Line, line, NONE, said, tableOf, words } from './page.ts';
import { type RecordOf, recordsOf } from './records.ts';

/** A step of the abort protocol (design §5), with the event that it was done by; absent: not yet. */
type Step = { readonly number?: string; readonly name: string; readonly done?: EventRecord; readonly detail: Line };

/** The newest event of a type about the incident. */
function last<T extends RolloutEvent['type']>({ records, incident }: AbortStory, type: T): RecordOf<T> | undefined {
  return recordsOf(records, type).findLast(({ event }) => 'incident' in event && event.incident === incident.number);
}

function acknowledgements(story: AbortStory): Step {
  const name = 'SDKs confirmed';
  const took = last(story, 'AbortTookEffect');
  if (took !== undefined) {
    const { acknowledged, connected } = took.event;
    const from = [took.version];
    const of = [count(acknowledged, from), ' of ', count(connected, from)];
    return { name, done: took, detail: line(...of, ' connected SDKs evaluate by exposure 0') };
  }
  const late = last(story, 'AbortUnconfirmed');
  if (late === undefined) return { name, detail: line('not yet') };
  const { acknowledged, connected } = late.event;
  const from = [late.version];
  const of = [count(connected - acknowledged, from, 'difference'), ' of ', count(connected, from)];
  return { name, detail: line('not in time: ', ...of, ' SDKs had not confirmed; on-call was told') };
}

function exposureFell(story: AbortStory): Step {
  const name = 'Exposure fell';
  const fell = last(story, 'ExposureFell');
  const late = last(story, 'AbortUnconfirmed');
  const stillSeen =
    late === undefined || late.event.treated === 0
      ? []
      : line(
          ...[count(late.event.treated, [late.version]), ' observations of the feature were made after the abort in '],
          ...[count(late.event.treating, [late.version]), ' SDK processes'],
        );
  if (fell === undefined)
    return { name, detail: stillSeen.length === 0 ? line('no telemetry that shows it yet') : stillSeen };
  const reports = [count(fell.event.reports, [fell.version]), ' reports since, nobody treated in them'];
  return {
    name,
    done: fell,
    detail: line(...reports, ...(stillSeen.length === 0 ? [] : ['; before that ', stillSeen])),
  };
}

const DELIVERY = { pending: 'waits', done: 'delivered', dead: 'given up' } as const;

function notified({ state, abort, options, trace }: AbortStory): Step {
  const { owners } = state.plan;
  const who = [...new Set([owners.operator, abort.event.assignee, ...owners.stakeholders])].filter(
    (one) => one !== undefined,
  );
  const from = [...trace.of((one) => one.plan.owners), abort.version];
  const whom = who.length === 0 ? line('on-call') : line('on-call, ', said(who.join(', '), from));
  const { deliveries = [] } = options;
  const fates = deliveries.map(({ destination, state: fate }) => `${destination}: ${DELIVERY[fate]}`).join(', ');
  const how = fates === '' ? 'queued in the transaction of the abort, one message per destination' : fates;
  return { number: '2', name: 'Notified', done: abort, detail: line(whom, '; ', said(how, from)) };
}

function triage(story: AbortStory): readonly Step[] {
  const { incident, abort } = story;
  const assigned = last(story, 'IncidentAssigned') ?? (abort.event.assignee === undefined ? undefined : abort);
  const begun = last(story, 'IncidentAcknowledged');
  const to = incident.assignee;
  return [
    {
      ...{ number: '3', name: 'Triage assigned' },
      ...(assigned && { done: assigned }),
      detail:
        to === undefined
          ? line('nobody yet')
          : line(
              'to ',
              said(
                to,
                story.from((one) => one.assignee),
              ),
            ),
    },
    { name: 'Triage begun', ...(begun && { done: begun }), detail: line(begun ? '' : 'not yet') },
  ];
}

function actions(story: AbortStory): Step {
  const { actions: items = [] } = story.incident;
  const name = 'Action items';
  if (items.length === 0) return { name, detail: line('none recorded') };
  const from = story.from((one) => one.actions);
  const done = items.filter((item) => item.done !== undefined).length;
  const detail = line(count(done, from, 'number-of'), ' of ', count(items.length, from, 'number-of'), ' done');
  const ended = done === items.length ? last(story, 'ActionDone') : undefined;
  return { name, ...(ended && { done: ended }), detail };
}

function recorded(story: AbortStory, name: string, type: 'RootCauseRecorded' | 'FixRecorded', number?: string): Step {
  const done = last(story, type);
  return { ...(number && { number }), name, ...(done && { done }), detail: line(done ? '' : 'not yet') };
}

function retry(story: AbortStory): Step {
  const { state, incident, records, options, trace, abort } = story;
  const step = { number: '6', name: 'Retry from stage 1' };
  const next = recordsOf(records, 'AttemptStarted').find(({ event }) => event.attempt > incident.attempt);
  if (next !== undefined) {
    const parts = [
      count(next.event.attempt, [next.version]),
      ' with version ',
      said(next.event.version, [next.version]),
    ];
    return { ...step, done: next, detail: line('attempt ', ...parts) };
  }
  if (state.phase !== 'aborted') return { ...step, detail: line(`none: the rollout is ${state.phase}`) };
  const planned = trace.of((one) => one.plan.retry);
  const at = instant(incident.openedAt + state.plan.retry.cooldownMs, [...planned, abort.version], options, 'sum');
  return { ...step, detail: line(retriesUsed(state, trace), ' used; not before ', at) };
}

function stepsOf(story: AbortStory): readonly Step[] {
  const { abort, incident } = story;
  const resolved = last(story, 'IncidentResolved');
  const because =
    incident.resolvedBecause === undefined
      ? []
      : [
          said(
            incident.resolvedBecause,
            story.from((one) => one.resolvedBecause),
          ),
        ];
  return [
    { number: '1', name: 'Flag to 0 %', done: abort, detail: line('in the transaction that recorded the abort') },
    acknowledgements(story),
    exposureFell(story),
    notified(story),
    ...triage(story),
    { number: '4', name: 'Incident document', done: abort, detail: line('written from the events: this page') },
    recorded(story, 'Root cause recorded', 'RootCauseRecorded', '5'),
    recorded(story, 'Fix recorded', 'FixRecorded'),
    actions(story),
    { name: 'Resolved', ...(resolved && { done: resolved }), detail: line(resolved ? because : 'not yet') },
    retry(story),
  ];
}

const COLUMNS = { number: 'No.', step: 'Step', at: 'Done at', by: 'By', took: 'After the breach', detail: 'Detail' };

/** The six steps of the abort protocol: when each was done, by whom, how long after the breach, and what is known of it. */
export function protocolTable(story: AbortStory): Block | undefined {
  const breach = breachOf(story);
  const { verdict } = story.incident;
  const what =
    verdict === undefined
      ? line('no check: see the summary')
      : line(
          said(
            verdict.check,
            story.from((one) => one.verdict),
          ),
        );
  const seen = {
    ...{ number: NONE, step: line('Breach seen'), by: NONE, detail: what },
    at: [instant(breach.at, [breach.version], story.options)],
    took: [elapsed(0, [breach.version])],
  };
  const rows = stepsOf(story).map(({ number, name, done, detail }) => ({
    number: number === undefined ? NONE : [words(number)],
    step: line(name),
    at: done === undefined ? NONE : [instant(done.at, [done.version], story.options)],
    by: done === undefined ? NONE : [said(nameOf(done.by), [done.version])],
    took: done === undefined ? NONE : [elapsed(done.at - breach.at, [breach.version, done.version])],
    detail,
  }));
  return tableOf(COLUMNS, [seen, ...rows]);
}
