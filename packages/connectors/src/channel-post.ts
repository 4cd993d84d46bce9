import { deliveryFailureOf, deliveryOf } from './delivery-answer.ts';
import { guardedPost, type PostAnswer } from './guarded-post.ts';
import { withoutSecrets } from './http-access.ts';
import type { NotifierDeps } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';

/** One request to the system behind a channel. */
export type ChannelPost = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json: unknown;
};

/** What became of a request: an answer, whatever its status, or how it ended without one. */
export type Posted =
  | { readonly answer: PostAnswer; readonly ended?: undefined }
  | { readonly answer?: undefined; readonly ended: DeliveryResult };

/** How a channel sends. */
export type ChannelDoor = {
  /** Never rejects. */
  readonly post: (post: ChannelPost, signal: AbortSignal) => Promise<Posted>;
  /**
   * Posts, and says what became of it. `read`: what an answer means to the vendor; where it says nothing, the status counts.
   * Never rejects.
   */
  readonly deliver: (
    post: ChannelPost,
    signal: AbortSignal,
    read?: (answer: PostAnswer) => DeliveryResult | undefined,
  ) => Promise<DeliveryResult>;
  /** A result as it may be shown: without secrets, and not long. */
  readonly shown: (text: string) => string;
};

const SHOWN = 200;

/** `secrets`: texts that stand in no result. `timeoutMs`: of one request. */
export function openChannelDoor(
  { policy, now, deadline = AbortSignal.timeout }: Pick<NotifierDeps, 'policy' | 'now' | 'deadline'>,
  { timeoutMs, secrets }: { readonly timeoutMs: number; readonly secrets: readonly string[] },
): ChannelDoor {
  const post: ChannelDoor['post'] = async ({ url, headers, json }, signal) => {
    const late = deadline(timeoutMs);
    try {
      const answer = await guardedPost({
        url,
        headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Rampart', ...headers },
        body: JSON.stringify(json),
        signal: AbortSignal.any([signal, late]),
        policy,
      });
      return { answer };
    } catch (error) {
      return { ended: deliveryFailureOf(error, signal, late) };
    }
  };
  return {
    post,
    async deliver(request, signal, read) {
      const { answer, ended } = await post(request, signal);
      return ended ?? read?.(answer) ?? deliveryOf(answer, now());
    },
    shown: (text) => withoutSecrets(text, secrets).replace(/\s+/g, ' ').slice(0, SHOWN),
  };
}

/** An answer of JSON; `undefined` where it is none. */
export function jsonAnswer({ text }: PostAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
