export { AdsServer, type AdsServerOptions } from './ads-server.js';
export type { ClientStatus, Nack, TypeStatus } from './client-status.js';
export { SnapshotCache, type SnapshotWatcher } from './snapshot-cache.js';
export type { VersionedResource, VersionedSnapshot, VersionedType } from './versioned-snapshot.js';
