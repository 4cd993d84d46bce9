/** What a user is remembered for; bits, so that one entry carries both. */
export const ASSIGNED = 1;
export const REPORTED = 2;

/** Most users remembered by default, over all flags. */
const SEEN_USERS = 50_000;

type Generation = Map<string, Map<string, number>>;

/**
 * Remembers which users were counted, per flag and epoch, in bounded memory. Two generations stand in for a
 * least-recently-used list at a fraction of its cost: when the young one is full it becomes the old one, and whoever is
 * not seen again before the next turn is forgotten. A forgotten user who comes back is counted again.
 */
export class SeenUsers {
  readonly #turnAt: number;
  #young: Generation = new Map();
  #old: Generation = new Map();
  #youngSize = 0;

  constructor(capacity: number = SEEN_USERS) {
    this.#turnAt = Math.max(1, Math.floor(capacity / 2));
  }

  /**
   * Remembers a user under `track` (flag and epoch). True when this is news.
   *
   * @param mark `ASSIGNED` or `REPORTED`.
   */
  isFirst(track: string, user: string, mark: number): boolean {
    const young = this.#young.get(track)?.get(user);
    if (young !== undefined && (young & mark) !== 0) return false;
    const known = young ?? this.#old.get(track)?.get(user) ?? 0;
    this.#remember(track, user, known | mark, young === undefined);
    return (known & mark) === 0;
  }

  /** Users remembered now; at most the capacity. */
  get size(): number {
    let size = this.#youngSize;
    for (const users of this.#old.values()) size += users.size;
    return size;
  }

  #remember(track: string, user: string, marks: number, isNew: boolean): void {
    let users = this.#young.get(track);
    if (users === undefined) {
      users = new Map();
      this.#young.set(track, users);
    }
    users.set(user, marks);
    if (!isNew) return;
    this.#youngSize += 1;
    if (this.#youngSize < this.#turnAt) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSize = 0;
  }
}
