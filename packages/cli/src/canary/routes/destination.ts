/** Where a share of the traffic goes. */
export interface Destination {
  /** Fully qualified: `reviews.default.svc.cluster.local`. */
  readonly host: string;
  /** Of the DestinationRule of the host. */
  readonly subset: string | undefined;
}

/** What people call it: `v2` for a subset, `reviews-v2` for a service of its own. */
export function nameOf({ host, subset }: Destination): string {
  return subset ?? host.split('.')[0]!;
}

/**
 * Whether `--to` means this one: a subset, a host in any length, or `v2` for the service `reviews-v2` of the target `reviews`.
 */
export function isMeant({ host, subset }: Destination, version: string, target: string): boolean {
  if (subset !== undefined) return subset === version;
  return [version, `${target}-${version}`].some((name) => host === name || host.startsWith(`${name}.`));
}
