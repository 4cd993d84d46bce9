/** How long an SDK process counts as there after its last sign of life, milliseconds. */
export const INSTANCE_TTL_MS = 60_000;

/** How long a process whose stream was closed properly may take to come back with a new one, milliseconds. */
export const RETURN_WITHIN_MS = 10_000;

/** Flags that an instance is remembered to evaluate; of more, those it told of last. */
const MOST_EVALUATED = 200;

/** What is known of SDK processes: who is there, and by which revision each says it evaluates. */
export type InstanceRegistry = {
  /** A request of an instance; `revision` where it named one, `evaluated` what it says it evaluates. */
  readonly seen: (
    instance: string | undefined,
    revision: number | undefined,
    now: number,
    evaluated?: Readonly<Record<string, boolean>>,
  ) => void;
  /** A stream was opened; the result tells that it ended: `isClean` when the process itself closed it. */
  readonly opened: (
    instance: string | undefined,
    revision: number | undefined,
    now: number,
  ) => (now: number, isClean: boolean) => void;
  /** An instance said that it is going. */
  readonly left: (instance: string) => void;
  /** Instances with a stream or a sign of life in the last 60 s (10 s where its stream was closed properly), and streams of those that do not name themselves. */
  readonly connected: (now: number) => number;
  /** Every named instance that is there. */
  readonly present: (now: number) => readonly PresentInstance[];
  /** How many named instances are there, and how many of them evaluate by this revision or a later one. */
  readonly acknowledged: (
    revision: number,
    now: number,
  ) => { readonly connected: number; readonly acknowledged: number };
};

/** An instance as it is known. Times in milliseconds of `performance.now()`. */
export type PresentInstance = {
  readonly name: string;
  readonly revision: number;
  /** When it was first heard to use this revision. */
  readonly revisionMs: number;
  /** Last word on each flag it told of: what it evaluates to, by which revision, and when that was heard. */
  readonly evaluated: ReadonlyMap<string, Told>;
};

/** Last word of an instance on one flag. */
type Told = { readonly value: boolean; readonly revision: number; readonly heardMs: number };
type Instance = {
  readonly name: string;
  readonly evaluated: Map<string, Told>;
  revision: number;
  revisionMs: number;
  seenAt: number;
  streams: number;
  ttlMs: number;
};

function newInstance(name: string, seenAt: number): Instance {
  const revisionMs = performance.now();
  return { name, revision: 0, revisionMs, evaluated: new Map(), seenAt, streams: 0, ttlMs: INSTANCE_TTL_MS };
}

/** An empty registry. */
export function createInstanceRegistry(): InstanceRegistry {
  const instances = new Map<string, Instance>();
  let nameless = 0;

  const note = (name: string, revision: number | undefined, now: number): Instance => {
    const instance = instances.get(name) ?? newInstance(name, now);
    instance.seenAt = now;
    instance.ttlMs = INSTANCE_TTL_MS;
    // The last word counts, even a lower one: a process may have gone back to an older server.
    if (revision !== undefined && revision !== instance.revision) {
      instance.revision = revision;
      instance.revisionMs = performance.now();
    }
    instances.set(name, instance);
    return instance;
  };

  const ended = (name: string, at: number, isClean: boolean): void => {
    const instance = note(name, undefined, at);
    instance.streams = Math.max(0, instance.streams - 1);
    if (isClean) instance.ttlMs = RETURN_WITHIN_MS;
  };

  const present = (now: number): readonly Instance[] => {
    for (const [name, { streams, seenAt, ttlMs }] of instances) {
      if (streams === 0 && now - seenAt > ttlMs) instances.delete(name);
    }
    return [...instances.values()];
  };

  return {
    seen(name, revision, now, evaluated = {}) {
      if (name === undefined) return;
      const instance = note(name, revision, now);
      const [of, heardMs] = [instance.revision, performance.now()];
      for (const [key, value] of Object.entries(evaluated).slice(0, MOST_EVALUATED)) {
        instance.evaluated.delete(key);
        instance.evaluated.set(key, { value, revision: of, heardMs });
      }
      const tooMany = Math.max(0, instance.evaluated.size - MOST_EVALUATED);
      for (const key of [...instance.evaluated.keys()].slice(0, tooMany)) instance.evaluated.delete(key);
    },
    opened(name, revision, now) {
      if (name === undefined) nameless += 1;
      else note(name, revision, now).streams += 1;
      return (endedAt, isClean) => {
        if (name === undefined) nameless -= 1;
        // One that said it is going is not brought back by the end of its stream.
        else if (instances.has(name)) ended(name, endedAt, isClean);
      };
    },
    left: (name) => void instances.delete(name),
    present,
    connected: (now) => present(now).length + nameless,
    acknowledged(revision, now) {
      const all = present(now);
      return { connected: all.length, acknowledged: all.filter((one) => one.revision >= revision).length };
    },
  };
}
