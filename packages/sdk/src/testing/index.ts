export { FakeClock, seededRandom } from '@inmesh/core/testing';
