import { hasControl, weightOfEveryone } from '../decide/exposure.ts';
import type { AbortStory } from './abort-story.ts';
import { excessOf, expectedTreated, reachOf } from './blast-radius.ts';
import { exposureChart } from './document-charts.ts';
import { formatLayers, formatWeight } from './format.ts';
import { count, elapsed, type Fact, fact, type Line, line, type Section, said, section, text } from './page.ts';

/** How many people had been exposed, in words: one number where the bounds are the same, else both. */
export function reachLine({ incident, abort }: AbortStory): Line {
  const { atLeast, atMost } = reachOf(incident.people);
  const from = [abort.version];
  const { exposed } = incident.people;
  if (exposed === undefined) return line('at most ', count(atMost, from, 'sum'), ' people');
  if (atLeast === atMost) return line(count(atMost, from), ' people');
  return line('between ', count(atLeast, from), ' and ', count(atMost, from), ' people');
}

/** Treated people that control makes expect, where both were counted in one and the same split: else they are of different stages. */
function crossCheck({ incident, abort, run, runs }: AbortStory): readonly Fact[] {
  const split = (run?.stages ?? []).filter(({ layers }) => hasControl(layers));
  const [stage] = split;
  const isAlone = split.length === 1 && runs.filter(({ statistics }) => statistics === run?.statistics).length === 1;
  const weight = weightOfEveryone(stage?.layers ?? []);
  const expected = expectedTreated(incident.people.control, weight);
  if (stage === undefined || !isAlone || expected === undefined) return [];
  const from = [abort.version, stage.version];
  return [
    fact(
      'crossCheck',
      'Cross-check',
      ...[
        'control and the share of ',
        { text: formatWeight(weight), value: weight / 100_000, unit: 'share' as const, from },
      ],
      ...[' make about ', count(Math.round(expected), from, 'estimate'), ' treated people expect; counted were '],
      count(incident.people.treatment, from),
    ),
  ];
}

function harm({ state, incident, abort }: AbortStory): readonly Fact[] {
  const { verdict } = incident;
  if (verdict === undefined) return [];
  const snapshot = abort.event.metrics.find(({ metric }) => metric === verdict.metric);
  const excess = excessOf(verdict, state.plan.metrics[verdict.metric], snapshot);
  if (excess === undefined) return [];
  const from = [abort.version];
  const { value, low, high, per } = excess;
  const range =
    low === undefined || high === undefined
      ? []
      : [' (', count(low, from, 'estimate'), ' to ', count(high, from, 'estimate'), ')'];
  const parts = ['about ', count(value, from, 'estimate'), ...range, ' more than without the feature, of '];
  const judged = [count(verdict.treatmentCount, from), ` counted per ${per}`];
  return [fact('excess', 'Bad events it caused', said(verdict.metric, from), ': ', ...parts, ...judged)];
}

const METHOD =
  'How this is counted: SDK processes count users, each process a user once per stage. So the sum over processes and stages counts everyone at least once (the upper bound, as far as telemetry arrived), and of the users that n processes report at once at least an n-th are different people (the lower bound). The bad events caused are observations of the treatment times how far its rate lies beyond that of control, else of the baseline; their range is that of the 95 % interval of the rate, with the reference taken as known.';

/** Who was exposed and what it did to them, with how both are counted. */
export function blastRadius(story: AbortStory): Section {
  const { incident, abort, run } = story;
  const { treatment, targeted, control } = incident.people;
  const opened = [abort.version];
  const since = run?.stages[0];
  const last = run?.stages.at(-1);
  const parts = [count(treatment, opened), ' by random split, ', count(targeted, opened), ' targeted'];
  const facts = [
    fact('people', 'People exposed', reachLine(story), ' (in the largest stage ', ...parts, ')'),
    fact('control', 'Control, not exposed', count(control, opened)),
    ...crossCheck(story),
    ...harm(story),
    fact('exposure', 'Exposure at the abort', said(formatLayers(last?.layers ?? []), last ? [last.version] : opened)),
    fact(
      'duration',
      'Exposed for',
      since === undefined ? 'never' : elapsed(incident.openedAt - since.at, [since.version, abort.version]),
    ),
  ];
  return section('blast-radius', 'Blast Radius', { kind: 'facts', facts }, text(METHOD), exposureChart(story.records));
}
