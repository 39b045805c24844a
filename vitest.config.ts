import { defineConfig } from 'vitest/config';

// Imports of one package from another find the TypeScript source, so tests need no build. The rest are vitest's own defaults.
const conditions = ['inmesh-source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/interop/**', 'test/k8s/**'],
    pool: 'forks',
    maxWorkers: 2,
    // Against what never ends. A property of hundreds of runs takes its time where other work is done beside it.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
