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

/** Their names, told apart where some are called the same: `reviews/v1` beside `ratings/v1`. */
export function namesOf(destinations: readonly Destination[]): string[] {
  const short = destinations.map(nameOf);
  const withHost = destinations.map((one, at) => (isAlone(short, at) ? short[at]! : qualifiedName(one)));
  return withHost.map((name, at) => (isAlone(withHost, at) ? name : `${name}#${at + 1}`));
}

function isAlone(names: readonly string[], at: number): boolean {
  return names.indexOf(names[at]!) === names.lastIndexOf(names[at]!);
}

function qualifiedName({ host, subset }: Destination): string {
  return subset === undefined ? host : `${host}/${subset}`;
}

/** `reviews` is the host `reviews.default.svc.cluster.local`, and `reviews.default` is too. */
export function isHost(host: string, written: string): boolean {
  return host === written || host.startsWith(`${written}.`);
}

/**
 * Whether `--to` means this one: a subset, a host in any length, or `v2` for the service `reviews-v2` of the target `reviews`.
 */
export function isMeant({ host, subset }: Destination, version: string, target: string): boolean {
  if (subset !== undefined) return subset === version;
  return [version, `${target}-${version}`].some((name) => isHost(host, name));
}
