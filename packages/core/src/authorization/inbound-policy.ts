import type { JwtAuthentication } from '../model/authentication.js';
import type { ExternalAuthorization } from '../model/authorization.js';
import type { InboundChain, InboundFilter, InboundListener } from '../model/inbound-listener.js';
import { compileRbac, type RbacEngine } from './rbac.js';
import { usesPath } from './uses-path.js';

export type CompiledFilter =
  | { readonly kind: 'jwt'; readonly authentication: JwtAuthentication }
  | {
      readonly kind: 'rbac';
      readonly engine: RbacEngine;
      readonly action: 'allow' | 'deny' | 'log';
      readonly shadow: boolean;
    }
  | {
      readonly kind: 'externalAuthorization';
      readonly authorization: ExternalAuthorization;
      /** Undefined: all calls are asked about. */
      readonly when: RbacEngine | undefined;
    };

export interface CompiledChain {
  readonly chain: InboundChain;
  readonly filters: readonly CompiledFilter[];
  /** Whether some filter decides by the path: then it is read in one way only, and what may be read in several is refused. */
  readonly usesPath: boolean;
}

/** Until whoever is asked has said what is demanded of those that come in, nobody comes in. */
export const awaitedInbound: InboundListener = Object.freeze({
  name: 'virtualInbound',
  chains: Object.freeze([]),
  isAwaited: true,
});

/** An inbound listener, compiled: which chain a connection takes, and what its filters decide. */
export class InboundPolicy {
  readonly #chains = new Map<string, CompiledChain>();
  /** Whether any chain takes TLS: else nobody has to look at a connection's first bytes. */
  readonly hasTls: boolean;

  constructor(readonly listener: InboundListener) {
    for (const chain of listener.chains) {
      const filters = chain.filters.map(compileFilter);
      const compiled = { chain, filters, usesPath: chain.filters.some(usesPath) };
      this.#chains.set(`${chain.port}/${chain.transport}`, compiled);
    }
    this.hasTls = listener.chains.some(({ transport }) => transport === 'tls');
  }

  /** A chain that names the port comes before those for every port. Undefined: the connection is not taken. */
  chainOf(port: number, transport: InboundChain['transport']): CompiledChain | undefined {
    const isNamed = this.#chains.has(`${port}/tls`) || this.#chains.has(`${port}/plaintext`);
    return this.#chains.get(`${isNamed ? port : 0}/${transport}`);
  }
}

function compileFilter(filter: InboundFilter): CompiledFilter {
  switch (filter.kind) {
    case 'jwt':
      return filter;
    case 'rbac': {
      const { rules, shadow } = filter;
      return { kind: 'rbac', engine: compileRbac(rules), action: rules.action, shadow };
    }
    case 'externalAuthorization': {
      const { authorization } = filter;
      return {
        kind: 'externalAuthorization',
        authorization,
        // Who is asked about too much loses nothing: as for a policy that refuses.
        when: authorization.when && compileRbac(authorization.when, 'loose'),
      };
    }
  }
}
