/** The short form as people write it, but for the names of its two flags: every rollout has its own. */
export function shortForm(flag: string): string {
  // biome-ignore format: as people write it
  const rolloutConfig = {
    flagName: flag,
    stages: [
      { name: 'internal', percentage: 0.5, duration: '24h' }, { name: 'canary', percentage: 5, duration: '48h' },
      { name: 'beta', percentage: 25, duration: '1w' },       { name: 'ga', percentage: 100, duration: 'permanent' } ],
    abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },   // >1 %, >2x baseline, >10 in 24 h
    killSwitch: { flag: `ai-${flag}-killswitch`, autoTrip: true,
      tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.50 } } };
  return JSON.stringify(rolloutConfig);
}

/**
 * The short form with one more abort criterion: errors no worse than control's. Its gates ask what those of the short
 * form ask; the added check only watches, over the whole attempt.
 */
export function controlForm(flag: string): string {
  return `
flag: ${flag}
stages:
  - { name: internal, percentage: 0.5, duration: 24h, gate: [ { metric: errorRate, limit: 1% }, { metric: p99Latency, limit: 2x baseline }, { metric: userComplaints, limit: 10 per 24h } ] }
  - { name: canary, percentage: 5, duration: 48h, gate: [ { stage: internal } ] }
  - { name: beta, percentage: 25, duration: 1w, gate: [ { stage: internal } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria:
  - { metric: errorRate, limit: 1% }
  - { metric: errorRate, limit: 1x control }
  - { metric: p99Latency, limit: 2x baseline }
  - { metric: userComplaints, limit: 10 per 24h }
killSwitch:
  flag: ai-${flag}-killswitch
  autoTrip: true
  trip: [ { metric: errorRate, limit: 5% }, { metric: hallucinationRate, limit: 15% }, { metric: costPerQuery, limit: $0.50 } ]
`;
}
