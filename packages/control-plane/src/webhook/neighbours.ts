import type { SourceFile } from '@inmesh/config';
import { isRecord } from '../sources/kubernetes/records.js';

type Body = Readonly<Record<string, unknown>>;

/** Translating one takes about 0.2 ms, for which the config server does nothing else. */
export const maxNeighbours = 200;

/**
 * Those of all files that an object may name, so that it can be said what of it is missing; with Services of its own namespace,
 * one of which may have been meant. None where there are too many of them. More than those that are named is no harm.
 */
export function neighboursOf(object: Body, files: readonly SourceFile[]): readonly SourceFile[] {
  const written = JSON.stringify(object.spec ?? {});
  const { namespace } = metadataOf(object);
  const named = files.filter(({ object: other }) => other === undefined || isNamed(other, written));
  if (named.length > maxNeighbours) return [];
  const near = files.filter(
    ({ object: other }) => other?.kind === 'Service' && metadataOf(other).namespace === namespace,
  );
  const all = [...new Set([...named, ...near])];
  return all.length > maxNeighbours ? named : all;
}

/** Whether there is one to compare a host with. */
export function haveHosts(files: readonly SourceFile[]): boolean {
  return files.some(({ object }) => object === undefined || ['Service', 'ServiceEntry'].includes(String(object.kind)));
}

function isNamed(other: Body, written: string): boolean {
  const { name, namespace } = metadataOf(other);
  const spec = isRecord(other.spec) ? other.spec : {};
  const isWritten = (part: unknown) => typeof part === 'string' && written.includes(part);
  switch (other.kind) {
    case 'Service':
    case 'VirtualService':
    case 'Gateway':
      return isWritten(name);
    case 'DestinationRule':
      return typeof spec.host === 'string' && isWritten(spec.host.replace('*.', '').split('.')[0]);
    case 'ServiceEntry':
      return Array.isArray(spec.hosts) && spec.hosts.some((host) => isWritten(String(host).replace('*.', '')));
    case 'ReferenceGrant':
      return isWritten(namespace);
    default:
      return false;
  }
}

function metadataOf({ metadata }: Body): Body {
  return isRecord(metadata) ? metadata : {};
}
