import { z } from 'zod';
import { type Matter, type MatterChange, matterKey, TOPIC_SEVERITY, type Topic } from './matter.ts';
import type { NotifierMemory } from './notifier-deps.ts';

const openSchema = z.array(
  z.object({
    topic: z.enum(Object.keys(TOPIC_SEVERITY) as [Topic, ...Topic[]]),
    group: z.string(),
    about: z.string().optional(),
  }),
);

/** Matters that are over: those named, and those known to be open that are swept. Without memory, only those named. */
export async function endedMatters(
  closes: readonly Matter[],
  sweeps: MatterChange['sweeps'],
  memory: NotifierMemory,
): Promise<readonly Matter[]> {
  const swept: Matter[] = [];
  for (const { group, topics } of sweeps)
    swept.push(...(await openIn(group, memory)).filter(({ topic }) => topics.includes(topic)));
  const known = new Set(closes.map(matterKey));
  return [...closes, ...swept.filter((matter) => !known.has(matterKey(matter)))];
}

/** Remembers what was opened and forgets what is over. A memory that fails costs a sweep, no message. */
export async function noteMatters(
  opened: Matter | undefined,
  ended: readonly Matter[],
  memory: NotifierMemory,
): Promise<void> {
  const groups = new Set([...(opened === undefined ? [] : [opened]), ...ended].map(({ group }) => group));
  for (const group of groups) {
    const before = await openIn(group, memory);
    const changed = [...ended, ...(opened === undefined ? [] : [opened])].map(matterKey);
    const after = [
      ...before.filter((matter) => !changed.includes(matterKey(matter))),
      ...(opened?.group === group ? [opened] : []),
    ];
    if (after.length > 0 || before.length > 0) await memory.put(keyOf(group), after).catch(() => undefined);
  }
}

async function openIn(group: string, memory: NotifierMemory): Promise<readonly Matter[]> {
  const read = openSchema.safeParse(await memory.get(keyOf(group)).catch(() => undefined));
  return read.success
    ? read.data.map(({ about, ...rest }) => ({ ...rest, ...(about !== undefined && { about }) }))
    : [];
}

function keyOf(group: string): string {
  return `open/${group}`;
}
