import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@rampart/source'] },
  ssr: { resolve: { conditions: ['@rampart/source'], externalConditions: ['@rampart/source'] } },
  test: {
    isolate: false,
    include: [
      'packages/*/src/**/*.test.ts',
      'examples/*/src/**/*.test.ts',
      'spec/**/*.test.ts',
      'e2e/**/*.test.ts',
      'lint/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    reporters: ['default', './lint/counts-reporter.ts'],
    // Every core: by default Vitest leaves one idle, which on a small machine is half of it.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['packages/{stats,flags,rollout}/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/index.ts', '**/*.contract.ts'],
      thresholds: { lines: 100 },
    },
  },
});
