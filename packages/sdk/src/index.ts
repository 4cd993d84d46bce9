export { createClient } from './client.ts';
export type { ClientOptions, ClientState, ClientStatus, Outcome, Placement, RampartClient } from './client-options.ts';
export { type Clock, SYSTEM_CLOCK, type TimerPurpose } from './clock.ts';
export type { Fetch } from './connection.ts';
export type { ClientErrorCode, ClientEvent, ClientListener, RulesetSource } from './event.ts';
export type { Scope } from './scope.ts';
