import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { gitHubTracker } from './github-tracker.ts';
import { durationSchema, secretRefSchema } from './http-access.ts';
import { planeTracker } from './plane-tracker.ts';
import { schemaProblem } from './schema-problem.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { Tracker } from './tracker.ts';
import type { UrlPolicy } from './url-guard.ts';

/** What a tracker is opened with, beside its settings. */
export type TrackerDeps = {
  /** By which plans name it. */
  readonly name: string;
  /** Reads the secret that a `secretRef` names. */
  readonly secretOf: (ref: string) => string | undefined;
  readonly policy: UrlPolicy;
  /** The bucket of all that use a secret: `perMinute` requests. */
  readonly bucketOf: (secret: string, perMinute: number) => TokenBucket;
  /** Epoch milliseconds. */
  readonly now: () => number;
};

/** One kind of tracker. */
export type TrackerKind = {
  /** @throws ConnectorError `TRACKER_INVALID`, `URL_REFUSED`, `SECRET_INVALID`, which name the place and repeat no secret */
  readonly open: (settings: unknown, deps: TrackerDeps) => Tracker;
};

const name = z.string().min(1);
const planeSettings = z.strictObject({
  url: name,
  apiKey: secretRefSchema,
  workspace: z.string().regex(/^[\w-]+$/, 'is the slug of the workspace, as in its address'),
  project: name.optional(),
  webUrl: z.url({ protocol: /^https?$/ }).optional(),
  states: z.strictObject({ aborted: name, done: name, cancelled: name }).partial().optional(),
  timeout: durationSchema.optional(),
});
const gitHubSettings = z.strictObject({
  url: name.optional(),
  token: secretRefSchema,
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'is written OWNER/NAME'),
  ref: name.optional(),
  timeout: durationSchema.optional(),
});

/** Plane allows 60 a minute per key, GitHub about 80 of content. */
const PLANE_PER_MINUTE = 50;
const GITHUB_PER_MINUTE = 60;

const plane: TrackerKind = {
  open(given, deps) {
    const { apiKey: ref, timeout, ...settings } = read(planeSettings, given, deps);
    const apiKey = secretFor(ref, deps);
    return planeTracker({
      ...settings,
      ...{ name: deps.name, policy: deps.policy, apiKey, bucket: deps.bucketOf(apiKey, PLANE_PER_MINUTE) },
      ...(timeout !== undefined && { timeoutMs: timeout }),
    });
  },
};

const github: TrackerKind = {
  open(given, deps) {
    const { token: ref, timeout, ...settings } = read(gitHubSettings, given, deps);
    const token = secretFor(ref, deps);
    return gitHubTracker({
      ...settings,
      ...{
        name: deps.name,
        policy: deps.policy,
        now: deps.now,
        token,
        bucket: deps.bucketOf(token, GITHUB_PER_MINUTE),
      },
      ...(timeout !== undefined && { timeoutMs: timeout }),
    });
  },
};

/** Every kind of tracker by the `kind` of its settings. A new one is one entry here. */
export const TRACKER_KINDS: Readonly<Record<string, TrackerKind>> = { plane, github };

function read<Settings>(schema: z.ZodType<Settings>, given: unknown, { name: tracker }: TrackerDeps): Settings {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new ConnectorError('TRACKER_INVALID', `trackers.${tracker}: ${schemaProblem(result.error)}`);
}

function secretFor({ secretRef }: { readonly secretRef: string }, { name: tracker, secretOf }: TrackerDeps): string {
  const value = secretOf(secretRef);
  if (value !== undefined && /^[\x21-\x7E]+$/.test(value)) return value;
  const problem = value === undefined || value === '' ? 'is not set' : 'holds a line break or a character no key has';
  throw new ConnectorError(
    'SECRET_INVALID',
    `trackers.${tracker}: ${secretRef} ${problem}; give it in the environment`,
  );
}
