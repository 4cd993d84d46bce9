import type { RampartClient } from '@rampart/sdk';
import { fastifyPlugin } from '@rampart/sdk/http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { classicSummary } from './classic-summary.ts';
import { decode, MODEL_PACE, type Pace } from './decode.ts';
import type { Summarizer } from './draft.ts';
import { measure, type Quality } from './measure.ts';
import { outlineSummary } from './outline-summary.ts';
import { turboDigest } from './turbo-digest.ts';

const BODY_SCHEMA = {
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string', minLength: 1, maxLength: 100_000 } },
} as const;

/** The app: `POST /summarize` and `POST /digest` take `{text}` and stream sentences as JSON lines, then what they cost. */
export function createApp(client: RampartClient, pace: Pace = MODEL_PACE): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.register(fastifyPlugin<FastifyRequest>(client, { context: contextOf }));
  app.post<{ Body: { text: string } }>('/summarize', { schema: { body: BODY_SCHEMA } }, (request, reply) => {
    const isNew = client.boolean('summary-outline', false);
    return answer(client, reply, request.body.text, isNew ? outlineSummary : classicSummary, pace);
  });
  app.post<{ Body: { text: string } }>('/digest', { schema: { body: BODY_SCHEMA } }, (request, reply) => {
    const isNew = client.boolean('digest-turbo', false);
    return answer(client, reply, request.body.text, isNew ? turboDigest : classicSummary, pace);
  });
  return app;
}

/** Who is asking, for flags: the user, and the group that the segment `team` looks at. */
function contextOf(request: FastifyRequest): { readonly targetingKey: string; readonly group: string } {
  const one = (name: string): string => String(request.headers[name] ?? '');
  return { targetingKey: one('x-user-id'), group: one('x-user-group') };
}

async function answer(
  client: RampartClient,
  reply: FastifyReply,
  text: string,
  summarizer: Summarizer,
  pace: Pace,
): Promise<void> {
  const startedMs = performance.now();
  // Throws before the answer begins: Fastify then answers 500, and the middleware counts an error.
  const draft = summarizer(text);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let firstMs: number | undefined;
  for await (const sentence of decode(text, draft, pace)) {
    firstMs ??= performance.now() - startedMs;
    reply.raw.write(`${JSON.stringify({ sentence })}\n`);
  }
  const quality = measure(text, draft);
  report(client, quality, firstMs);
  reply.raw.end(`${JSON.stringify(quality)}\n`);
}

/** Everything about an answer that the middleware cannot know. It counts for the variant this request was served. */
function report(client: RampartClient, quality: Quality, firstMs: number | undefined): void {
  client.track('hallucinationRate', quality.hallucinated ? 1 : 0);
  client.track('faithfulness', quality.faithfulness);
  client.track('costPerQuery', quality.costUsd);
  client.track('tokensPerQuery', quality.tokens);
  if (firstMs !== undefined) client.track('timeToFirstToken', firstMs / 1000);
}
