/** Kinds of authority; a principal may hold several. `system` is Rampart itself. */
export type Role = 'admin' | 'operator' | 'observer' | 'analyst' | 'approver' | 'viewer' | 'system';

/** Who acts: a person, an AI agent, or Rampart itself. Recorded with every event. */
export type Principal = {
  /** Stable name, unique among principals, for example `ana@example.com` or `agent:triage`. */
  readonly id: string;
  readonly kind: 'person' | 'agent' | 'system';
  readonly roles: readonly Role[];
};

/** Rampart acting by itself: it may lower exposure at any time and raise it only by a proceed inside the plan. */
export const RAMPART: Principal = { id: 'rampart', kind: 'system', roles: ['system'] };
