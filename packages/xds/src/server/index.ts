export { certificateService } from '../grpc/certificate-service.js';
export { loadDurationBoundsMs } from '../load-durations.js';
export type { Position } from '../position.js';
export { knownTypes } from '../resources/known-types.js';
export { AdsServer, type AdsServerOptions } from './ads-server.js';
export type { ClientStatus, Nack, ResourceStatus, TypeStatus } from './client-status.js';
export { type ClientSource, ClientStatusServer } from './client-status-server.js';
export { decodeSnapshot } from './decode-snapshot.js';
export type { Admission } from './discovery-stream.js';
export { LoadReportServer, type LoadReportServerOptions } from './load-report-server.js';
export type { ClusterLoad, LoadReport, LocalityLoad } from './load-reports.js';
export type { LoadTotal } from './load-totals.js';
export { OwnSecrets, type SecretSource, type SecretView } from './own-secrets.js';
export { redact } from './redact.js';
export { SnapshotCache, type SnapshotSource, type SnapshotWatcher } from './snapshot-cache.js';
export {
  type VersionedResource,
  type VersionedSnapshot,
  type VersionedType,
  versionSnapshot,
} from './versioned-snapshot.js';
