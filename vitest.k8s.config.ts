import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

// Tests against a real Kubernetes API server, etcd and CoreDNS.
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['test/k8s/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/k8s/support/build-peers.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
