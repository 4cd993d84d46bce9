/** Edit distance (insert, delete, replace) between two short texts; cost grows with the product of their lengths. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** The known word closest to `word`, where at most a third of it (and at least two letters) had to change; letter case is ignored. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.slice(0, 40).toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)[0];
  return ranked && ranked.distance <= Math.max(2, Math.floor(lower.length / 3)) ? ranked.candidate : undefined;
}

/** End of a message: the nearest known word, or all of them. */
export function suggest(word: string, known: readonly string[]): string {
  const close = nearest(word, known);
  return close ? `did you mean ${JSON.stringify(close)}?` : `known are ${known.join(', ')}`;
}
