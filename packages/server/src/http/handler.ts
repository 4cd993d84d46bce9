import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OperationId } from '@rampart/api';
import type { Caller } from '../auth.ts';

/** A request as a handler sees it: authenticated, its query and body checked by the schemas of the route. */
export type Ask = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly header: (name: string) => string | undefined;
  /** Absent on open routes only. */
  readonly caller: Caller | undefined;
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
};

/** What a handler answers. `hijacked`: it answers by itself, on the bare response. */
export type Answer =
  | {
      /** Default: 200. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Sent as JSON, but as it is where a `text` or `bytes` are given. */
      readonly body?: unknown;
      readonly text?: { readonly mediaType: string; readonly content: string };
      readonly bytes?: { readonly mediaType: string; readonly content: Uint8Array };
    }
  | 'hijacked';

/** Serves one route. */
export type Handler = (ask: Ask) => Promise<Answer> | Answer;

/** Handlers of some routes, by operation id. */
export type Handlers<Id extends OperationId> = { readonly [Operation in Id]: Handler };
