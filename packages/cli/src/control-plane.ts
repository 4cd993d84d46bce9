/** How `rampart serve` starts a server. */
export type ServeOptions = {
  /** Absolute; created if absent. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly environment: string;
  /** How long the evidence of an ended rollout is kept. Default: that of the server, 400 days. */
  readonly retentionMs?: number;
  /** The file of settings as read: sources and other connectors. Default: none. */
  readonly settings?: unknown;
  /** Log all as JSON lines on standard error. Default: only warnings and errors, in words. */
  readonly logAsJson?: boolean;
};

/** A server that runs in this process. */
export type ControlPlane = {
  readonly url: string;
  /** Only at the first start of a data directory: shown once, stored as hashes. */
  readonly firstTokens?: { readonly admin: string; readonly sdk: string };
  readonly close: () => Promise<void>;
};

/** Starts a server and gives it back once it serves. */
export type StartServer = (options: ServeOptions) => Promise<ControlPlane>;
