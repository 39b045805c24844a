import { ownValue } from './own-value.js';

export interface ClientLocality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Whether hosts that the configuration does not name may be called (Istio `outboundTrafficPolicy`). */
export type EgressMode = 'ALLOW_ANY' | 'REGISTRY_ONLY';

/**
 * What reads the resources: the SDK, a proxy, or a gRPC library that knows xDS by itself (gRFC A27). The three take different
 * forms of the same configuration.
 */
export type ClientKind = 'inmesh' | 'envoy' | 'grpc';

/** Whether the kernel sends a pod's connections to its proxy (Istio `INTERCEPTION_MODE`). */
export type InterceptionMode = 'REDIRECT' | 'NONE';

/** A workload that calls others: what rules about clients are compared with. */
export interface ClientView {
  /** Default inmesh. */
  readonly kind?: ClientKind;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly locality?: ClientLocality;
  /** Of the Kubernetes Node that it runs on. */
  readonly nodeName?: string;
  /** What it allows itself; a Sidecar can only narrow it. Default ALLOW_ANY. */
  readonly egress?: EgressMode;
  /** Of an Envoy; default REDIRECT. */
  readonly interception?: InterceptionMode;
  /** Where an Envoy is to take calls as an HTTP proxy on loopback (Istio `HTTP_PROXY_PORT`); default: nowhere. */
  readonly proxyPort?: number;
}

/** What of a client has made a difference: clients that agree in it are given the same resources. */
export interface ClientTraits {
  namespace: boolean;
  readonly labels: Set<string>;
  locality: boolean;
  nodeName: boolean;
}

const nowhere: ClientLocality = { region: '', zone: '', subZone: '' };

/**
 * Answers questions about the client that resources are made for, and remembers which were asked. A rule asks all of its
 * questions, whatever the first answer is: another client may differ in the second.
 */
export class Client {
  readonly asked: ClientTraits = { namespace: false, labels: new Set(), locality: false, nodeName: false };

  constructor(private readonly view: ClientView) {}

  isIn(namespace: string): boolean {
    this.asked.namespace = true;
    return this.view.namespace === namespace;
  }

  /** Whether it has all of these labels. */
  hasLabels(wanted: Readonly<Record<string, string>>): boolean {
    const { labels = {} } = this.view;
    let all = true;
    for (const [key, value] of Object.entries(wanted)) {
      this.asked.labels.add(key);
      if (!Object.hasOwn(labels, key) || labels[key] !== value) all = false;
    }
    return all;
  }

  /** The value of one of its labels. */
  label(key: string): string | undefined {
    this.asked.labels.add(key);
    return ownValue(this.view.labels ?? {}, key);
  }

  /** Empty where nothing is known of it. */
  get locality(): ClientLocality {
    this.asked.locality = true;
    return this.view.locality ?? nowhere;
  }

  get kind(): ClientKind {
    return this.view.kind ?? 'inmesh';
  }

  get interception(): InterceptionMode {
    return this.view.interception ?? 'REDIRECT';
  }

  get proxyPort(): number | undefined {
    return this.view.proxyPort;
  }

  get egress(): EgressMode {
    return this.view.egress ?? 'ALLOW_ANY';
  }

  get nodeName(): string {
    this.asked.nodeName = true;
    return this.view.nodeName ?? '';
  }
}

export function traitsOfBoth(a: ClientTraits, b: ClientTraits): ClientTraits {
  return {
    namespace: a.namespace || b.namespace,
    labels: new Set([...a.labels, ...b.labels]),
    locality: a.locality || b.locality,
    nodeName: a.nodeName || b.nodeName,
  };
}

/** An SDK that is like this client in all that rules about clients ask. */
export function asSdk({
  kind: _kind,
  interception: _interception,
  proxyPort: _port,
  ...client
}: ClientView): ClientView {
  return client;
}

export function isSdk({ kind = 'inmesh' }: ClientView): boolean {
  return kind === 'inmesh';
}

/** Equal for clients that these traits do not tell apart. */
export function clientKey(view: ClientView, traits: ClientTraits): string {
  const { namespace, labels = {}, locality = nowhere, nodeName = '' } = view;
  const { kind = 'inmesh', egress = 'ALLOW_ANY', interception = 'REDIRECT', proxyPort = null } = view;
  const told = [...traits.labels].sort().map((key) => [key, Object.hasOwn(labels, key) ? labels[key] : null]);
  return JSON.stringify([
    traits.namespace ? namespace : null,
    told,
    traits.locality ? [locality.region, locality.zone, locality.subZone] : null,
    traits.nodeName ? nodeName : null,
    // These make a difference to every configuration.
    kind,
    egress,
    kind === 'envoy' ? [interception, proxyPort] : null,
  ]);
}
