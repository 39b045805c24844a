export { AdsServer, type AdsServerOptions } from './ads-server.js';
export type { ClientStatus, Nack, TypeStatus } from './client-status.js';
export { SnapshotCache, type SnapshotSource, type SnapshotWatcher } from './snapshot-cache.js';
export {
  type VersionedResource,
  type VersionedSnapshot,
  type VersionedType,
  versionSnapshot,
} from './versioned-snapshot.js';
