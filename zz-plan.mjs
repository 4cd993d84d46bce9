export const rolloutConfig = {
  flagName: 'feature-xyz',
  version: 'build-1',
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' },
    { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },
    { name: 'ga', percentage: 100, duration: 'permanent' },
  ],
  abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },
  killSwitch: {
    flag: 'ai-feature-xyz-killswitch',
    autoTrip: true,
    tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.5 },
  },
};
