import { between, pick, type Random } from './random.ts';

/** Who sends a document: our own team tries short memos, the public sends whatever it has. */
export type Group = 'team' | 'public';

/** How often a kind of document comes up in a group, as shares in [0, 1]. */
type Mix = { readonly scanned: number; readonly pasted: number; readonly list: number };

const MIX: Readonly<Record<Group, Mix>> = {
  team: { scanned: 0.001, pasted: 0.012, list: 0.002 },
  public: { scanned: 0.002, pasted: 0.015, list: 0.07 },
};
/** Share of documents of the public that are short, and short or middling; the rest is long. */
const SHORT_SHARE = 0.3;
const MIDDLING_SHARE = 0.65;

const SUBJECTS =
  'council harbour school clinic museum railway market library bakery orchestra observatory factory'.split(' ');
const ADJECTIVES = 'new quiet northern crowded modest early public joint careful wooden annual steady'.split(' ');
const VERBS = 'opened reviewed repaired measured planned delayed extended funded mapped tested shared replaced'.split(
  ' ',
);
const OBJECTS =
  'bridge budget timetable garden archive heating exhibition contract survey workshop festival roof'.split(' ');
const PLACES = 'river station square valley coast hillside suburb canal forest airport'.split(' ');
const TIMES = 'spring summer autumn winter morning weekend holiday anniversary'.split(' ');

/** One document as a user of the group would send it. */
export function writeDocument(random: Random, group: Group): string {
  const mix = MIX[group];
  const kind = random();
  if (kind < mix.scanned) return numbersOnly(random);
  const sentences = Array.from({ length: lengthOf(random, group) }, () => writeSentence(random));
  if (kind < mix.scanned + mix.pasted) return sentences.map(breakWord).join(' ');
  if (kind < mix.scanned + mix.pasted + mix.list) return [...sentences, ...writeList(random)].join(' ');
  return sentences.join(' ');
}

function lengthOf(random: Random, group: Group): number {
  const size = random();
  if (group === 'team' || size < SHORT_SHARE) return between(random, 5, 8);
  return size < MIDDLING_SHARE ? between(random, 9, 16) : between(random, 17, 32);
}

function writeSentence(random: Random): string {
  const [subject, object] = [pick(random, SUBJECTS), pick(random, OBJECTS)];
  const [first, second] = [pick(random, ADJECTIVES), pick(random, ADJECTIVES)];
  const where = `near the ${pick(random, PLACES)} in ${pick(random, TIMES)}`;
  const year = between(random, 1950, 2026);
  return `The ${first} ${subject} ${pick(random, VERBS)} the ${second} ${object} ${where} of ${year}.`;
}

/** A table that a scanner turned into text: nothing in it is a word. */
function numbersOnly(random: Random): string {
  return Array.from({ length: 6 }, () => `${between(random, 1, 999)} ${between(random, 1, 999)}.`).join(' ');
}

/** What pasting from a PDF does: the longest word stays divided as it was at the end of a line. */
function breakWord(sentence: string): string {
  const longest = sentence.split(' ').reduce((long, word) => (word.length > long.length ? word : long));
  return sentence.replace(longest, `${longest.slice(0, 4)}- ${longest.slice(4)}`);
}

/** A numbered list at the end of a text, as minutes of meetings close. */
function writeList(random: Random): readonly string[] {
  return Array.from({ length: between(random, 2, 4) }, (_, index) => `${index + 1}) ${writeSentence(random)}`);
}
