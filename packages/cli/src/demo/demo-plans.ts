/** A plan of the demo as text, and the flag it rolls out. */
export type DemoPlan = { readonly flag: string; readonly file: string; readonly text: string };

/** One hour of a plan takes this many milliseconds of the demo. */
const HOUR_TAKES_MS = 500;
/** Factor on every duration of the plans. */
export const DEMO_TIME_SCALE = HOUR_TAKES_MS / 3_600_000;
/** Environment of the demo's server and plans. */
export const DEMO_ENVIRONMENT = 'demo';

const PEOPLE = `environment: ${DEMO_ENVIRONMENT}
owners: { operator: ana, observer: olga, analyst: 'agent:triage', stakeholders: [product@example.com] }
preflight: [launch-readiness, flag-configured, dashboards-ready, rollback-tested]
baseline: { window: 24h }`;

const STAGES = `stages:
  - name: internal                    # our own team first
    audience: team
    percentage: 100
    duration: 24h
    gate:
      - { metric: errorRate, limit: baseline + 3% }
      - { metric: faithfulness, limit: 0.85 }
      - { confirm: No critical bugs }
  - name: canary
    percentage: 25
    duration: 24h
    gate:
      - { metric: errorRate, limit: baseline + 2% }
      - { metric: hallucinationRate, limit: baseline + 5% }
  - name: beta
    percentage: 50
    duration: 24h
    onInconclusive: hold
    gate:
      - { stage: canary }
      - { metric: p99Latency, limit: 1.5x control, optional: true }   # left out while too few requests are slow to tell
      - { metric: costPerQuery, limit: 1.2x control }
      - { metric: faithfulness, limit: not worse than control by 5% }
  - { name: ga, percentage: 100, holdback: 2, duration: permanent, monitor: 36h }`;

const LIMITS = `abortCriteria:
  - { metric: errorRate, limit: 3% }
  - { metric: p99Latency, limit: 2x control }  # a slow machine slows both variants
  - { metric: hallucinationRate, limit: 20% }
alerts:
  - { metric: errorRate, limit: baseline + 1% }
  - { metric: p99Latency, limit: 1.5x control }
  - { metric: faithfulness, limit: 0.85 }
  - { metric: costPerQuery, limit: 1.5x control }
  - { metric: tokensPerQuery, limit: 1.5x control }
  - { metric: timeToFirstToken, limit: 2s }
exit: [ga-stable, no-abort, docs-updated, flag-cleanup-scheduled]`;

/** A new summarizer that is as good as the old one. */
export const SUMMARY_OUTLINE: DemoPlan = {
  flag: 'summary-outline',
  file: 'summary-outline.plan.yaml',
  text: `flag: summary-outline
version: outline-1
title: Outline summaries
${PEOPLE}
${STAGES}
${LIMITS}
`,
};

/** A new digest that does well for the team and badly for the public; it has a kill switch. */
export const DIGEST_TURBO: DemoPlan = {
  flag: 'digest-turbo',
  file: 'digest-turbo.plan.yaml',
  text: `flag: digest-turbo
version: turbo-1
title: Turbo digests
${PEOPLE}
${STAGES}
${LIMITS}
killSwitch:
  flag: digest-turbo-killswitch       # true means killed
  autoTrip: true
  trip:
    - { metric: hallucinationRate, limit: 15%, window: 6h, minSample: 200 }
    - { metric: costPerQuery, limit: $0.05, window: 6h, minSample: 200 }
`,
};
