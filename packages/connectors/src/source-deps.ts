import type { UrlPolicy } from './url-guard.ts';

/** What a source is made with, beside its settings. */
export type SourceDeps = {
  /** Name by which plans refer to it. */
  readonly name: string;
  /** Reads the secret that a `secretRef` names. */
  readonly secretOf: (ref: string) => string | undefined;
  /** Where it may connect to. */
  readonly policy: UrlPolicy;
};
