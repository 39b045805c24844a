import type { Memory } from './memory.js';
import { ownValue } from './own-value.js';
import { isSameLocality } from './translate/mesh-service.js';
import type { NodeIndex } from './translate/nodes.js';

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

/** Nobody is asked for a Node where none is known. */
const knowsNone = (nodes: NodeIndex | undefined) => nodes === undefined || nodes.isEmpty;

/**
 * Answers questions about the client that resources are made for, and remembers which were asked. A rule asks all of its
 * questions, whatever the first answer is: another client may differ in the second.
 */
export class Client {
  readonly asked: ClientTraits = { namespace: false, labels: new Set(), locality: false, nodeName: false };
  /** One for each thing that can be asked, so that what is asked a thousand times is remembered once. */
  readonly #questions = new Map<string, (client: Client) => unknown>();
  #ofNode: ((nodes: NodeIndex) => ClientLocality) | undefined;

  constructor(
    private readonly view: ClientView,
    private readonly memory: Memory,
  ) {}

  isIn(namespace: string): boolean {
    return this.#ask(`namespace ${namespace}`, (client) => client.#isIn(namespace));
  }

  /** Whether it has all of these labels. */
  hasLabels(wanted: Readonly<Record<string, string>>): boolean {
    let all = true;
    for (const [key, value] of Object.entries(wanted)) if (this.label(key) !== value) all = false;
    return all;
  }

  /** The value of one of its labels. */
  label(key: string): string | undefined {
    return this.#ask(`label ${key}`, (client) => client.#label(key));
  }

  /** What it says itself, else that of its Node; empty where nothing is known of it. */
  get locality(): ClientLocality {
    const told = this.#ask('locality', (client) => client.#locality(), isSameLocality);
    if (!isSameLocality(told, nowhere) || this.memory.ask('nodes', knowsNone)) return told;
    const { nodeName } = this;
    this.#ofNode ??= (nodes) => nodes.localityOf(nodeName);
    return this.memory.ask('nodes', this.#ofNode, isSameLocality);
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
    return this.#ask('node', (client) => client.#nodeName());
  }

  #ask<Answer>(name: string, question: (client: Client) => Answer, isSame?: (a: Answer, b: Answer) => boolean): Answer {
    const known = (this.#questions.get(name) as typeof question | undefined) ?? question;
    this.#questions.set(name, known);
    return this.memory.ask('client', known, isSame);
  }

  #isIn(namespace: string): boolean {
    this.asked.namespace = true;
    return this.view.namespace === namespace;
  }

  #label(key: string): string | undefined {
    this.asked.labels.add(key);
    return ownValue(this.view.labels ?? {}, key);
  }

  #locality(): ClientLocality {
    this.asked.locality = true;
    return this.view.locality ?? nowhere;
  }

  #nodeName(): string {
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
