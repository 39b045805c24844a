import { emptyResources, type MeshResources, SnapshotAssembler, SnapshotHolder, type Telemetry } from '@inmesh/core';
import { FakeClock, seededRandom, testHash64, testInboundChecks } from '@inmesh/core/testing';
import type { Logger } from '../../src/logger.js';
import type { MeshInternals } from '../../src/mesh-internals.js';

export interface TestInternals extends MeshInternals {
  readonly clock: FakeClock;
  /** What was logged as an error, by message and fields. */
  readonly errors: { message: string; fields: object | undefined }[];
}

/** The clock stands at 1000. */
export function testInternals({
  resources = emptyResources,
  telemetry = [],
  propagateHeaders = 'routed',
}: {
  resources?: Partial<MeshResources>;
  telemetry?: readonly Telemetry[];
  propagateHeaders?: MeshInternals['propagateHeaders'];
} = {}): TestInternals {
  const clock = new FakeClock(1000);
  const random = seededRandom(1);
  const errors: TestInternals['errors'] = [];
  const logger: Logger = { info() {}, warn() {}, error: (message, fields) => errors.push({ message, fields }) };
  const assembler = new SnapshotAssembler({ clock, random, hash64: testHash64, searchDomains: [] });
  const snapshots = new SnapshotHolder(assembler.assemble({ ...emptyResources, ...resources }));
  const policy = testInboundChecks;
  return { clock, random, logger, errors, snapshots, telemetry, workload, propagateHeaders, policy };
}

const workload = {
  name: 'test',
  namespace: 'default',
  app: 'test',
  version: '',
  serviceAccount: '',
  podName: '',
  podIp: '',
  clusterId: '',
};
