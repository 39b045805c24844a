import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

// Tests against other people's programs (Envoy, gRPC clients of other languages): slow, and they take fixed ports.
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['test/interop/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
