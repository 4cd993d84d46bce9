import type { Paint } from '../session.ts';
import type { RolloutOutcome } from './demo-outcome.ts';
import type { Paper, Papers } from './demo-papers.ts';

/** The first section of a report after its decision. */
const FIRST_ANNEX = '## Attempts';

/** Everything the ending of the demo is told from. */
export type Ending = {
  readonly outcomes: readonly RolloutOutcome[];
  readonly papers: Papers;
  readonly seed: number;
  readonly tookSeconds: number;
};

/** Both reports, how it ended, where the papers are, and how to go on with one's own app. */
export function renderEnding(ending: Ending, paint: Paint): string {
  const { outcomes, papers, seed, tookSeconds } = ending;
  return [
    ...papers.reports.map((report) => `${mainPart(report)}\n\n${paint.dim('─'.repeat(72))}`),
    paint.bold(`How it ended (seed ${seed}, ${tookSeconds} s)`) +
      `\n${outcomes.map((one) => outcomeLine(one, paint)).join('\n')}`,
    [
      paint.bold('Written down'),
      ...papers.incidents.map(({ path }) => `  incident  ${path}`),
      ...papers.reports.map(({ path }) => `  report    ${path}`),
    ].join('\n'),
    nextSteps(paint),
  ].join('\n\n');
}

/** The report proper; what stands behind it is long, and said where it is. */
function mainPart({ text, path }: Paper): string {
  const end = text.indexOf(`\n${FIRST_ANNEX}\n`);
  if (end === -1) return text.trimEnd();
  const annexes = text.slice(end).matchAll(/^## (.+)$/gm);
  const titles = [...annexes].map(([, title]) => title).join(', ');
  return `${text.slice(0, end).trimEnd()}\n\n(${titles}: in ${path})`;
}

function outcomeLine(
  { flag, phase, stage, why, asExpected, tookSeconds, ...rest }: RolloutOutcome,
  paint: Paint,
): string {
  const mark = asExpected ? paint.green('✔') : paint.red('✖');
  const people = `${rest.peopleExposed.toLocaleString('en-US')} people saw it`;
  if (phase === 'complete') return `  ${mark} ${flag} reached ${stage} and completed after ${tookSeconds} s; ${people}`;
  if (phase !== 'aborted')
    return `  ${mark} ${flag} is still in ${stage} after ${tookSeconds} s; it waits for ${why || 'nothing'}; ${people}`;
  const when = rest.detectedAfterSeconds === undefined ? '' : ` ${rest.detectedAfterSeconds} s into`;
  return `  ${mark} ${flag} was aborted${when} ${stage}: ${why}; ${people}`;
}

/** Why the demo did not show what it should, or nothing. Rampart's decisions are not scripted: they can surprise. */
export function explainFailure(outcomes: readonly RolloutOutcome[]): string | undefined {
  const odd = outcomes.filter((one) => !one.asExpected);
  if (odd.length === 0) return undefined;
  const lines = odd.map(({ flag, phase, why }) => {
    if (phase === 'aborted') return `${flag} is the good feature, and Rampart aborted it: ${why}.`;
    if (phase === 'complete') return `${flag} is the bad feature, and Rampart let it through.`;
    return `${flag} did not come to its end in time (${phase}); it waits for ${why || 'nothing'}.`;
  });
  return [
    'This run did not show what the demo is about.',
    ...lines,
    'Decisions are made from what was measured on this machine. If it was busy with other work, latencies and evidence',
    'suffered: try again when it is quieter. If it keeps happening, please report it with the papers above.',
  ].join('\n');
}

function nextSteps(paint: Paint): string {
  return [
    paint.bold('Go on with your own app'),
    '  npx rampart serve                       start a control plane; it writes your token to ~/.config/rampart',
    '  npx rampart init                        write a plan to start from',
    '  npx rampart plan FILE                   see dates, gates and the evidence each one needs',
    '  npx rampart start FILE                  make a rollout of it',
    '  npx rampart status --watch              follow it',
    '  examples/summarizer/README.md           the five lines that instrument an app',
  ].join('\n');
}
