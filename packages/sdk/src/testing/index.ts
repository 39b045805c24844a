export { FakeClock, seededRandom } from '@inmesh/core/testing';
export * from './simulation/index.js';
