import type { Closers } from '../closers.js';
import { findCluster } from '../kubernetes/client/find-cluster.js';
import { openClient } from '../kubernetes/client/open-client.js';
import type { ControlPlaneOptions } from '../options.js';
import { systemClock } from '../system-clock.js';
import { watchConfig } from './folder.js';
import type { KubernetesOptions } from './kubernetes/kubernetes-options.js';
import { KubernetesSource } from './kubernetes/kubernetes-source.js';
import { type FilesTarget, SourceSet } from './source-set.js';

/** A connection that has fallen silent is given up after it. Pages of lists are small. */
const requestTimeoutMs = 10_000;

type Options = Pick<ControlPlaneOptions, 'config' | 'kubernetes' | 'logger'>;

/**
 * Resolves when each source has been looked at once, well or badly, with that of the cluster, if there is one.
 * @throws Error when no cluster is known
 */
export async function openSources(
  options: Options,
  target: FilesTarget,
  closers: Closers,
): Promise<Pick<KubernetesSource, 'position'> | undefined> {
  const { config, kubernetes } = options;
  const sources = new SourceSet(target);
  const ofFiles = config.length > 0 ? sources.join() : undefined;
  const cluster = kubernetes && openCluster(kubernetes, options, sources, closers);
  const folder = ofFiles && watchConfig(config, ofFiles);
  if (folder !== undefined) closers.add(() => folder.close());
  await Promise.all([cluster?.firstLook, folder?.firstLook]);
  return cluster;
}

function openCluster(
  options: KubernetesOptions,
  { logger }: Options,
  sources: SourceSet,
  closers: Closers,
): KubernetesSource {
  const access = options.cluster ?? findCluster();
  const client = openClient(access, requestTimeoutMs);
  closers.add(() => client.close());
  const { namespace } = access;
  const tools = { client, namespace, clock: systemClock, random: Math.random, logger };
  const source = new KubernetesSource(options, tools, sources);
  closers.add(() => source.close());
  return source;
}
