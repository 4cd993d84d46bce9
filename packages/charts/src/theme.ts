import { type Element, element } from './markup.ts';

/** What a colour is used for; each has a light value, in the attributes, and a dark one, in the style sheet. */
export type Ink = 'paper' | 'ink' | 'quiet' | 'grid' | 'limit' | Hue;

type Hue = 'hue0' | 'hue1' | 'hue2' | 'hue3' | 'hue4' | 'hue5';

const HUES: readonly Hue[] = ['hue0', 'hue1', 'hue2', 'hue3', 'hue4', 'hue5'];

// Hues stay apart for colour-blind eyes and have a contrast of 4.5 : 1 or more with the paper of their theme.
const LIGHT: Readonly<Record<Ink, string>> = {
  paper: '#ffffff',
  ink: '#1c2128',
  quiet: '#57606a',
  grid: '#d8dee4',
  limit: '#57606a',
  hue0: '#0067a6',
  hue1: '#b84300',
  hue2: '#007352',
  hue3: '#8a3f96',
  hue4: '#7a5c00',
  hue5: '#57606a',
};

const DARK: Readonly<Record<Ink, string>> = {
  paper: '#0d1117',
  ink: '#e6edf3',
  quiet: '#9ea7b3',
  grid: '#30363d',
  limit: '#9ea7b3',
  hue0: '#58b5f0',
  hue1: '#ff9b62',
  hue2: '#3fd0a0',
  hue3: '#d99be6',
  hue4: '#e3bd4c',
  hue5: '#9ea7b3',
};

const DASHES = ['none', '8 4', '2 3', '10 3 2 3', '5 3', '1 4'];

/** The colour of a series, by its place; after six they begin again. */
export function hueOf(index: number): Ink {
  return HUES[index % HUES.length];
}

/** Dash pattern that goes with the colour of a series, so that lines can be told apart without colour. */
export function dashOf(index: number): string {
  return DASHES[index % DASHES.length];
}

/** Attributes that paint an element's inside. */
export function fill(ink: Ink): Readonly<Record<string, string>> {
  return { fill: LIGHT[ink], class: `rc-f-${ink}` };
}

/** Attributes that paint an element's outline. */
export function stroke(ink: Ink, width = 1): Readonly<Record<string, string | number>> {
  return { fill: 'none', stroke: LIGHT[ink], 'stroke-width': width, class: `rc-s-${ink}` };
}

/** Dark values for readers who prefer them. Where a page's policy forbids the style, the light attributes remain, paper included. */
export function darkStyle(): Element {
  const rules = Object.entries(DARK).map(
    ([ink, colour]) => `.rc-f-${ink}{fill:${colour}}.rc-s-${ink}{stroke:${colour}}`,
  );
  return element('style', {}, `@media (prefers-color-scheme:dark){${rules.join('')}}`);
}
