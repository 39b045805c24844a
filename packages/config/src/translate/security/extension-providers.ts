import type { Place } from '../../place.js';
import type { ObjectsByKind } from '../../read-objects.js';
import type { GrpcAuthorizer, HttpAuthorizer } from '../../schema/istio-operator.js';
import { clusterName } from '../mesh-service.js';
import type { Registry } from '../registry.js';

/** Who decides for CUSTOM policies. */
export type Authorizer = { readonly name: string; readonly host: string; readonly cluster: string } & (
  | { readonly kind: 'http'; readonly settings: HttpAuthorizer }
  | { readonly kind: 'grpc'; readonly settings: GrpcAuthorizer }
);

/** The authorizers among `meshConfig.extensionProviders` of all files, by name. */
export class ExtensionProviders {
  readonly #authorizers = new Map<string, Authorizer>();

  constructor(operators: ObjectsByKind['IstioOperator'], registry: Registry) {
    for (const { body, place } of operators) {
      const at = place.at('spec', 'meshConfig', 'extensionProviders');
      for (const [index, provider] of (body.spec?.meshConfig?.extensionProviders ?? []).entries()) {
        const { name, envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = provider;
        if (this.#authorizers.has(name)) at.at(index, 'name').warn(`"${name}" is there twice: the first counts`);
        else if (http !== undefined) {
          const found = destinationOf(http, registry, at.at(index, 'envoyExtAuthzHttp'));
          this.#authorizers.set(name, { name, kind: 'http', settings: http, ...found });
        } else if (grpc !== undefined) {
          const found = destinationOf(grpc, registry, at.at(index, 'envoyExtAuthzGrpc'));
          this.#authorizers.set(name, { name, kind: 'grpc', settings: grpc, ...found });
        }
      }
    }
  }

  find(name: string): Authorizer | undefined {
    return this.#authorizers.get(name);
  }

  names(): string[] {
    return [...this.#authorizers.keys()];
  }
}

/** `[namespace/]host`: hosts are looked up by their full name, so that the namespace adds nothing. */
function destinationOf(
  { service, port }: HttpAuthorizer | GrpcAuthorizer,
  registry: Registry,
  place: Place,
): { host: string; cluster: string } {
  const host = service.slice(service.indexOf('/') + 1).toLowerCase();
  const found = registry.find(host);
  if (found === undefined) place.at('service').unresolved(registry.whyUnknown(host));
  else if (!found.ports.some(({ number }) => number === port)) {
    place
      .at('port')
      .unresolved(`"${host}" has no port ${port}`, `known: ${found.ports.map(({ number }) => number).join(', ')}`);
  }
  return { host, cluster: clusterName(host, port) };
}
