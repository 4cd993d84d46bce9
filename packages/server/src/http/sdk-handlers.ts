import { INSTANCE_HEADER, REVISION_HEADER } from '@rampart/api';
import type { Ruleset } from '@rampart/flags';
import type { Clock } from '../clock.ts';
import type { Ingest } from '../ingest.ts';
import type { InstanceRegistry } from '../instance-registry.ts';
import type { RulesetStream } from '../ruleset-stream.ts';
import type { Ask, Handlers } from './handler.ts';

/** What the routes of SDKs work with. */
export type SdkParts = {
  readonly clock: Clock;
  readonly ingest: Ingest;
  readonly instances: InstanceRegistry;
  readonly stream: RulesetStream;
  readonly ruleset: () => Ruleset;
};

/** Routes of SDKs. */
export function sdkHandlers(
  parts: SdkParts,
): Handlers<'getRuleset' | 'streamRuleset' | 'sendTelemetry' | 'sendSignals' | 'sendScores'> {
  const { clock, ingest, instances, stream, ruleset } = parts;
  const contentOf = createContentCache();
  return {
    getRuleset(ask) {
      const ifNoneMatch = ask.header('if-none-match');
      const known = /^(?:W\/)?"(\d{1,15})"$/.exec(ifNoneMatch ?? '')?.[1];
      instances.seen(ask.header(INSTANCE_HEADER), known === undefined ? revisionOf(ask) : Number(known), clock.now());
      const current = ruleset();
      const headers = { etag: `"${current.revision}"`, 'cache-control': 'no-cache' };
      if (Number(known) === current.revision) return { status: 304, headers };
      return { headers, text: { mediaType: 'application/json; charset=utf-8', content: contentOf(current) } };
    },
    streamRuleset(ask) {
      // Checked by the schema of the route.
      const { revision } = ask.query as { readonly revision?: number };
      const resumed = revision ?? lastEventIdOf(ask);
      const ended = instances.opened(ask.header(INSTANCE_HEADER), resumed, clock.now());
      stream.serve(ask.response, resumed, (isClean) => ended(clock.now(), isClean));
      return 'hijacked';
    },
    async sendTelemetry(ask) {
      return { status: 202, body: await ingest.telemetry(ask.body) };
    },
    async sendSignals(ask) {
      return { status: 202, body: await ingest.signals(ask.body) };
    },
    async sendScores(ask) {
      return { status: 202, body: await ingest.scores(ask.body) };
    },
  };
}

/** The JSON of the newest ruleset asked for: a herd that polls costs one encoding. */
function createContentCache(): (ruleset: Ruleset) => string {
  let cached: { readonly ruleset: Ruleset; readonly content: string } | undefined;
  return (ruleset) => {
    if (cached?.ruleset !== ruleset) cached = { ruleset, content: JSON.stringify(ruleset) };
    return cached.content;
  };
}

function revisionOf({ header }: Ask): number | undefined {
  return wholeIn(header(REVISION_HEADER));
}

/** An `EventSource` resumes by this header (WHATWG HTML, 9.2). */
function lastEventIdOf({ header }: Ask): number | undefined {
  return wholeIn(header('last-event-id'));
}

function wholeIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
