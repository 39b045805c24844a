export * from './builders.js';
export { FakeClock } from './fake-clock.js';
export { testOutlierDetection } from './outlier-detection.js';
export { seededRandom } from './seeded-random.js';
export { testHash64 } from './test-hash64.js';
export { testInboundChecks } from './test-inbound-checks.js';
export { testRateLimit } from './test-rate-limit.js';
