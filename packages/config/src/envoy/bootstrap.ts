import { decodeCluster } from '@inmesh/xds';
import { type Cluster, Cluster_DiscoveryType, ClusterSchema, ListenerSchema } from '@inmesh/xds/messages';
import { didYouMean } from '../nearest.js';
import { isRecord } from '../objects.js';
import type { Place } from '../place.js';
import { fromV2, isV2 } from './from-v2.js';
import { type EntryResources, readListener } from './listeners.js';
import { readMessage } from './read-message.js';
import { sayProblems } from './say-problems.js';

export interface EnvoyResources extends EntryResources {
  readonly clusters: Cluster[];
  /** Of clusters that cannot be read: they are there, and their mistakes are said. */
  readonly brokenClusters: string[];
}

/** Fields of Envoy's bootstrap beside `static_resources`, and what follows from ignoring each. */
export const bootstrapFields: Readonly<Record<string, string>> = {
  dynamic_resources: 'resources of a server come by the address in INMESH_XDS or by the option xds',
  node: 'a mesh names itself by the option nodeId, or by its Pod',
  cluster_manager: 'there is no proxy process to tune',
  hds_config: 'nothing is health-checked on behalf of a server',
  flags_path: 'there is no proxy process to tune',
  stats_sinks: 'metrics are what the service itself sets up',
  stats_config: 'metrics keep their names',
  stats_flush_interval: 'metrics are read when they are asked for',
  watchdog: 'there is no proxy process to watch',
  watchdogs: 'there is no proxy process to watch',
  tracing: 'traces are what the service itself sets up',
  layered_runtime: 'shares are those that the routes name',
  runtime: 'shares are those that the routes name',
  admin: 'there is no proxy process to administer',
  overload_manager: 'there is no proxy process to protect',
  enable_dispatcher_stats: 'there is no proxy process to watch',
  header_prefix: 'headers begin with x-envoy-',
  default_config_source: 'nothing is loaded from another source',
};

/** Of `static_resources`. */
export const staticResourceFields: Readonly<Record<string, string>> = {
  secrets: 'connections are made in plain text',
};

/** Reads Envoy's configuration file: its listeners become entries of the mesh, its clusters clusters (Envoy bootstrap.proto). */
export function readBootstrap(body: Readonly<Record<string, unknown>>, place: Place): EnvoyResources {
  const resources: EnvoyResources = { listeners: [], routes: [], routePlaces: [], clusters: [], brokenClusters: [] };
  sayOtherFields(body, 'static_resources', bootstrapFields, place);
  const { static_resources: given } = body;
  const at = place.at('static_resources');
  if (given === undefined || given === null) return resources;
  if (!isRecord(given)) {
    at.error('should be an object');
    return resources;
  }
  const written = modernise(given, at);
  sayOtherFields(written, 'listeners clusters', staticResourceFields, at);
  for (const [index, item] of listOf(written.clusters, at.at('clusters')).entries()) {
    readCluster(item, at.at('clusters', index), resources);
  }
  for (const [index, item] of listOf(written.listeners, at.at('listeners')).entries()) {
    const listenerAt = at.at('listeners', index);
    const message = readMessage(ListenerSchema, item, listenerAt);
    if (message !== undefined) readListener(message, listenerAt, resources);
  }
  return resources;
}

function modernise(written: Readonly<Record<string, unknown>>, at: Place): Readonly<Record<string, unknown>> {
  if (!isV2(written)) return written;
  at.warn('is written for the API v2, which Envoy no longer reads: converted to v3', 'write it in the words of v3');
  return fromV2(written) as Readonly<Record<string, unknown>>;
}

function readCluster(item: unknown, at: Place, resources: EnvoyResources): void {
  const message = readMessage(ClusterSchema, item, at);
  if (message === undefined) {
    if (isRecord(item) && typeof item.name === 'string') resources.brokenClusters.push(item.name);
    return;
  }
  sayProblems(decodeCluster(message), at);
  if (message.clusterDiscoveryType.value === Cluster_DiscoveryType.EDS) {
    at.at('type').error(
      'EDS gets its endpoints from a server',
      'give a load_assignment, and the type STATIC or STRICT_DNS',
    );
  }
  resources.clusters.push(message);
}

function sayOtherFields(
  body: Readonly<Record<string, unknown>>,
  read: string,
  ignored: Readonly<Record<string, string>>,
  place: Place,
): void {
  const known = read.split(' ');
  for (const key of Object.keys(body)) {
    if (known.includes(key)) continue;
    if (Object.hasOwn(ignored, key)) place.at(key).warn(`is ignored: ${ignored[key]}`);
    else place.at(key).error('Envoy has no such field', didYouMean(key, [...known, ...Object.keys(ignored)]));
  }
}

function listOf(value: unknown, at: Place): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value !== undefined && value !== null) at.error('should be a list');
  return [];
}
