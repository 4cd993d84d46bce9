import type { JsonValue } from '@rampart/flags';
import { z } from 'zod';
import type { Plan } from '../plan.ts';
import type { IssueLog } from './issue-log.ts';
import type { RawHandover, RawPlan } from './plan-schema.ts';

/**
 * A step of the workflow that is told once the rollout is complete: a webhook with the secret its messages are signed by, or a
 * command that the settings of the server name.
 */
export type Handover =
  | { readonly name: string; readonly webhook: string; readonly secretRef: string }
  | { readonly name: string; readonly command: string };

const handoverSchema = z.union([
  z.object({ name: z.string(), webhook: z.string(), secretRef: z.string() }),
  z.object({ name: z.string(), command: z.string() }),
]);

/** The steps that a plan hands over to. What a plan of an older version holds in another form is none. */
export function handoversOf({ next }: Pick<Plan, 'next'>): readonly Handover[] {
  const written = next === undefined ? [] : Array.isArray(next) ? next : [next];
  return written.flatMap((one) => {
    const read = handoverSchema.safeParse(one);
    return read.success ? [read.data] : [];
  });
}

function readHandover(raw: RawHandover, path: readonly (string | number)[], log: IssueLog): Handover | undefined {
  const { webhook, secretRef, command } = raw;
  if (webhook !== undefined && command !== undefined) {
    log.error(
      'conflicting-keys',
      [...path, 'command'],
      'a step is told by webhook or by command; keep one of them',
      'key',
    );
    return undefined;
  }
  if (command !== undefined && secretRef !== undefined) {
    const message = 'a command is not signed; remove secretRef (the settings of the server give a command its secrets)';
    log.error('misplaced-key', [...path, 'secretRef'], message, 'key');
  }
  if (command !== undefined) return { name: raw.name ?? command, command };
  if (webhook === undefined) {
    const message = 'name a webhook (its URL, with secretRef) or a command (its name in the settings of the server)';
    log.error('missing-key', [...path], message);
    return undefined;
  }
  if (!/^https?:\/\/[^\s/]+/.test(webhook)) {
    log.error('wrong-type', [...path, 'webhook'], 'it is not a URL; write https://feedback.example.com/hooks/rampart');
  }
  if (secretRef === undefined) {
    const message = 'secretRef is missing; name the environment variable of the server that holds the secret (whsec_…)';
    log.error('missing-key', [...path, 'webhook'], message);
    return undefined;
  }
  return { name: raw.name ?? 'webhook', webhook, secretRef };
}

/** `next` of a plan: one step, or a list of steps with different names. */
export function readNext(raw: RawPlan['next'], log: IssueLog): Pick<Plan, 'next'> {
  if (raw === undefined) return {};
  const isList = Array.isArray(raw);
  const written: readonly RawHandover[] = isList ? raw : [raw];
  const read = written.flatMap((one, index) => readHandover(one, isList ? ['next', index] : ['next'], log) ?? []);
  for (const [index, { name }] of read.entries()) {
    if (read.findIndex((one) => one.name === name) === index) continue;
    const message = `another step is named ${JSON.stringify(name)}; give each a name of its own`;
    log.error('conflicting-keys', ['next', index, 'name'], message);
  }
  return { next: read as readonly JsonValue[] as JsonValue };
}
