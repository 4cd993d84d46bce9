/** Plan in the long form that `rampart init` writes. */
export const LONG_PLAN = `# A plan of Rampart. \`rampart schema\` gives editors its JSON Schema.
flag: new-checkout              # created if absent: a boolean flag, off
version: build-1                # a retry with a new version gets fresh statistics
title: New checkout
owners: { operator: team-web, analyst: team-web, stakeholders: [product@example.com] }

stages:
  - name: internal              # give it \`audience: SEGMENT\` to begin with your own people
    percentage: 1               # percent of everyone
    duration: 24h               # least time to serve
    gate:
      - { metric: errorRate, limit: baseline + 0.5% }
      - { confirm: No critical bugs }
  - name: canary
    percentage: 5
    duration: 48h
    gate:
      - { metric: errorRate, limit: control + 0.5% }
      - { metric: p99Latency, limit: 1.5x control }
  - name: beta
    percentage: 25
    duration: 1w
    onInconclusive: extend
    gate:
      - { stage: canary }       # the same checks again, on fresh evidence
  - name: ga
    percentage: 100
    duration: permanent
    holdback: 1                 # keeps a control until the exit gate
    monitor: 2w

abortCriteria:                  # hold in every stage; a fail sets exposure to 0
  - { metric: errorRate, limit: 1% }
  - { metric: p99Latency, limit: 2x baseline }
  - { metric: userComplaints, limit: 10 per 24h }

killSwitch:
  flag: new-checkout-killswitch # true means killed
  autoTrip: true
  trip:
    - { metric: errorRate, limit: 5% }
`;

/** Plan in the short form that \`rampart init --short\` writes. */
export const SHORT_PLAN = `export const rolloutConfig = {
  flagName: 'new-checkout',
  version: 'build-1',
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' },
    { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },
    { name: 'ga', percentage: 100, duration: 'permanent' },
  ],
  // More than 1 %, more than 2x baseline, more than 10 in 24 h.
  abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },
  killSwitch: { flag: 'new-checkout-killswitch', autoTrip: true, tripConditions: { errorRate: 0.05 } },
};
`;
