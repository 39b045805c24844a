import { Server } from '@grpc/grpc-js';
import type { AdsServer, LoadReportServer } from '@inmesh/xds/server';
import { connectionAge, endInOrder, serverOptions } from '../ads-port.js';
import { countDiscovery } from '../count-discovery.js';
import type { ServerMetrics } from '../metrics.js';
import type { PortChoice } from '../port.js';
import { authenticateCalls } from './authenticate-calls.js';
import { anyOf } from './authenticators/authenticator.js';
import type { CertificateAuthority } from './authority.js';
import { type CaOptions, hostsOf } from './ca-options.js';
import { addCertificateService } from './certificate-service.js';
import { chooseAuthenticators } from './choose-authenticators.js';
import type { IdentityLimit } from './identity-limit.js';
import { limitedLogger } from './limited-logger.js';
import type { AuthorityTools } from './open-authority.js';
import { ServerCertificate } from './server-certificate.js';
import { openTlsListener, type TlsListener } from './tls-listener.js';

export interface TlsPortOptions extends AuthorityTools {
  readonly ca: CaOptions;
  readonly authority: CertificateAuthority;
  readonly limit: IdentityLimit;
  readonly services: { readonly ads: AdsServer; readonly loads: LoadReportServer };
  readonly metrics: ServerMetrics;
  readonly at: PortChoice;
  readonly clusterDomain: string;
  readonly maxConnectionAgeMs: number;
}

export interface TlsPort {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

/** The port of those who prove who they are: certificates, and the same configuration as on the plain one. */
export async function openTlsPort(options: TlsPortOptions): Promise<TlsPort> {
  const { ca, authority, limit, services, metrics, at, clusterDomain, clock, now } = options;
  const logger = limitedLogger(options.logger, clock.now);
  const server = new Server({
    ...serverOptions,
    ...connectionAge(options.maxConnectionAgeMs),
    interceptors: [
      authenticateCalls({
        authenticate: anyOf(chooseAuthenticators(ca, authority.trustDomain, options)),
        logger,
        countRefusal: metrics.countUnproven,
      }),
      countDiscovery(metrics),
    ],
  });
  addCertificateService(server, { authority, limit, logger, count: metrics.countCertificate });
  services.ads.addTo(server);
  services.loads.addTo(server);
  let listener: TlsListener | undefined;
  let context = {};
  const certificate = await ServerCertificate.start({
    ...{ authority, clock, now, logger, hosts: hostsOf(ca, at.host, clusterDomain) },
    use: (next) => {
      context = next;
      listener?.use(next);
    },
  });
  try {
    listener = await openTlsListener(server, at, { logger, countProblem: metrics.countUnproven, context });
  } catch (error) {
    certificate.close();
    throw error;
  }
  const { address, close } = listener;
  return {
    address,
    close: async () => {
      certificate.close();
      services.ads.close();
      services.loads.close();
      await endInOrder(server);
      await close();
    },
  };
}
