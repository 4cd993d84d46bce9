import type { AbortStory } from './abort-story.ts';
import { nameOf } from './describe-event.ts';
import { count, type Item, instant, joined, line, type Section, said, section, text, words } from './page.ts';

/** What went wrong, as far as it is recorded. */
export function rootCause({ incident, from }: AbortStory): Section {
  const { rootCause: cause } = incident;
  const known =
    cause === undefined
      ? text('Not recorded yet.')
      : text(
          said(
            cause,
            from((one) => one.rootCause),
          ),
        );
  return section('root-cause', 'Root Cause', known);
}

/** What was changed, as far as it is recorded. */
export function fix({ incident: { fix: fixed }, from }: AbortStory): Section {
  if (fixed === undefined) return section('fix', 'Fix', text('Not recorded yet.'));
  const given = from((one) => one.fix);
  const reference = fixed.reference === undefined ? [] : [' (', said(fixed.reference, given), ')'];
  return section('fix', 'Fix', text(said(fixed.text, given), ...reference));
}

/** Action items, steps of the protocol that are still to do, and open issues, as check-boxes. */
export function actionItems({ incident, state, from, trace }: AbortStory): Section {
  const recorded = (incident.actions ?? []).map(({ number, text: what, owner, link, done }): Item => {
    const given = from((one) => one.actions?.find((item) => item.number === number)?.text);
    const about = from((one) => one.actions?.find((item) => item.number === number));
    const parts = [
      ...(owner === undefined ? [] : [line('owner ', said(owner, given))]),
      ...(link === undefined ? [] : [line(said(link, given))]),
      ...(done === undefined ? [] : [line('done by ', said(nameOf(done.by), about))]),
    ];
    const more = parts.length === 0 ? [] : [' (', joined(parts, ', '), ')'];
    return { line: line(said(what, given), ...more), done: done !== undefined };
  });
  const steps = [
    ...(incident.assignee === undefined ? ['Assign the triage'] : []),
    ...(incident.rootCause === undefined ? ['Record the root cause'] : []),
    ...(incident.fix === undefined ? ['Record the fix'] : []),
    ...(incident.resolvedAt === undefined ? ['Resolve the incident'] : []),
  ].map((step): Item => ({ line: line(step), done: false }));
  const issues = state.issues.flatMap((issue, index): readonly Item[] => {
    if (issue.status !== 'open' && issue.status !== 'monitoring') return [];
    const added = trace.of((one) => one.issues[index]?.number);
    const link = issue.link === undefined ? [] : [', ', said(issue.link, added)];
    const found = [` (${issue.severity}, ${issue.status}, found in `, said(issue.stageFound, added), ...link, ')'];
    return [
      {
        line: line('Issue ', count(issue.number, added, 'number-of'), ': ', said(issue.title, added), ...found),
        done: false,
      },
    ];
  });
  const items = [...recorded, ...steps, ...issues];
  return section('actions', 'Action Items', items.length === 0 ? text('None open.') : { kind: 'list', items });
}

/** What was linked and noted. */
export function notes({ incident, options, from }: AbortStory): Section {
  const written = (incident.notes ?? []).map((note, index): Item => {
    const given = from((one) => one.notes?.[index]);
    return {
      lead: [instant(note.at, given, options), words(' '), said(nameOf(note.by), given)],
      line: [said(note.text, given)],
    };
  });
  const linked = (incident.links ?? []).map(({ title, url }, index): Item => {
    const given = from((one) => one.links?.[index]);
    return { lead: [said(title, given)], line: [said(url, given)] };
  });
  const items = [...linked, ...written];
  return section('notes', 'Links and Notes', items.length === 0 ? text('None.') : { kind: 'list', items });
}
