import { messageOf } from './notification.test.support.ts';
import type { Notification } from './notification.ts';
import { type NotifierHarness, notifierContract } from './notifier.contract.ts';
import type { NotifierDeps, NotifierKind, NotifierMemory } from './notifier-deps.ts';
import type { PeerBehaviour } from './outbound.contract.ts';
import type { Receiver } from './receiver.test.support.ts';

/** A memory whose content can be looked at. */
export type OpenMemory = NotifierMemory & { readonly content: Map<string, unknown> };

/** An empty memory; values are kept as JSON, as a store keeps them. */
export function openMemory(): OpenMemory {
  const content = new Map<string, unknown>();
  return {
    content,
    get: async (key) => content.get(key),
    put: async (key, value) => void content.set(key, JSON.parse(JSON.stringify(value))),
  };
}

/** Secrets and clock as a server would give them, with the loopback allowed. */
export function depsOf(
  secrets: Readonly<Record<string, string>>,
  change: Partial<NotifierDeps> = {},
): NotifierDeps & { readonly memory: NotifierMemory } {
  return {
    name: 'ops',
    secretOf: (ref) => secrets[ref],
    policy: { allowedHosts: ['127.0.0.1', 'localhost'] },
    publicUrl: 'https://rampart.example',
    memory: openMemory(),
    now: () => 0,
    ...change,
  };
}

/** What the matrix needs to know of a kind. */
export type KindUnderTest = {
  readonly kind: NotifierKind;
  readonly receiver: () => Pick<Receiver, 'given' | 'strayed' | 'flooded' | 'now' | 'deadline'>;
  readonly settings: () => unknown;
  /** Values of secrets by the names that the settings give them. */
  readonly secrets: () => Readonly<Record<string, string>>;
  readonly received: () => readonly string[];
  /** Texts beside the secrets that must not be told. */
  readonly hidden?: () => readonly string[];
  readonly expected?: NotifierHarness['expected'];
  readonly afterRepetition?: NotifierHarness['afterRepetition'];
  readonly lacks?: readonly PeerBehaviour[];
  readonly message?: Notification;
};

const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const;

/** The contract of notifiers for a kind, with an empty memory and a watched console in each case. */
export function notifierCases(
  under: KindUnderTest,
): readonly { readonly name: string; readonly run: () => Promise<void> }[] {
  return notifierContract(under.lacks).map(({ name, run }) => ({
    name,
    run: async () => {
      const { written, restore } = watchConsole();
      try {
        await run(harnessOf(under, written));
      } finally {
        restore();
      }
    },
  }));
}

function harnessOf(under: KindUnderTest, written: readonly string[]): NotifierHarness {
  const { given, strayed, flooded, now, deadline } = under.receiver();
  const memory = openMemory();
  return {
    // What was remembered would spare the next attempt its request.
    given: (behaviour) => {
      memory.content.clear();
      return given(behaviour);
    },
    strayed,
    flooded,
    notifier: under.kind.open(under.settings(), depsOf(under.secrets(), { memory, now, deadline })),
    message: under.message ?? messageOf(),
    received: under.received,
    secrets: [...Object.values(under.secrets()), ...(under.hidden?.() ?? [])],
    told: () => [...written, JSON.stringify([...memory.content])],
    ...(under.expected && { expected: under.expected }),
    ...(under.afterRepetition && { afterRepetition: under.afterRepetition }),
  };
}

function watchConsole() {
  const written: string[] = [];
  const kept = LEVELS.map((level) => [level, console[level]] as const);
  for (const level of LEVELS) console[level] = (...all: unknown[]) => void written.push(all.map(String).join(' '));
  return {
    written,
    restore: () => {
      for (const [level, write] of kept) console[level] = write;
    },
  };
}
