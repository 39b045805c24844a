import type { Metadata } from '@grpc/grpc-js';
import { ConfigSet } from '@inmesh/config';
import { AdsServer, LoadReportServer, type Position } from '@inmesh/xds/server';
import { openAdsPort } from './ads-port.js';
import { admitAs } from './ca/admit-node.js';
import { provenIdentity } from './ca/authenticate-calls.js';
import type { CertificateAuthority } from './ca/authority.js';
import { openCaClient } from './ca/ca-client.js';
import { defaultCaOptions } from './ca/ca-options.js';
import { openIdentities } from './ca/open-identities.js';
import { openTlsPort } from './ca/tls-port.js';
import { ClientViews } from './client-views.js';
import { Closers } from './closers.js';
import { debugPages } from './http/debug-pages.js';
import { serveGet } from './http/get-server.js';
import { healthPages } from './http/health-pages.js';
import { createMetrics } from './metrics.js';
import { type ControlPlaneOptions, checkOptions, defaultOptions } from './options.js';
import { ConfigPublisher } from './publish.js';
import { StateReport } from './report.js';
import { publishRoots } from './roots/publish-roots.js';
import { openSources } from './sources/open-sources.js';
import { systemClock } from './system-clock.js';
import { openWebhook } from './webhook/open-webhook.js';

export interface ControlPlane {
  /** Each `host:port`. */
  readonly addresses: {
    readonly xds: string;
    readonly metrics: string;
    readonly debug: string;
    /** Of the TLS port, where there is a certificate authority. */
    readonly tls?: string;
    /** Of the admission webhook, where there is one. */
    readonly webhook?: string;
  };
  /** Where there is one. */
  readonly authority?: Pick<CertificateAuthority, 'roots' | 'trustDomain' | 'rotate' | 'onChange'>;
  /** Ends every stream and closes every port; what clients have been given stays theirs. */
  close(): Promise<void>;
}

/**
 * Reads YAML and serves it by xDS. Resolves when the ports are open and the files have been looked at once; when those are
 * broken too, clients then wait until they are mended. Keys that are in a Secret are waited for while the API server is away:
 * until then only the metrics port is open, whose `/ready` says why.
 * @param signal ends the start, whatever it waits for
 * @throws Error that names the port and its flag, when one cannot be opened, or the option that is wrong, or what was waited
 * for in vain
 */
export async function startControlPlane(
  options: ControlPlaneOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<ControlPlane> {
  checkOptions(options);
  const closers = new Closers();
  // What is waited for ends with that which waits for it.
  const end = () => void closers.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    const started = await start(options, closers, signal);
    signal.throwIfAborted();
    return { ...started, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function start(
  options: ControlPlaneOptions,
  closers: Closers,
  signal: AbortSignal,
): Promise<Omit<ControlPlane, 'close'>> {
  const { logger, clusterDomain, defaultNamespace, rootNamespace } = options;
  const { trustDomain = options.ca?.trustDomain } = options;
  const defaultClient = { namespace: defaultNamespace ?? 'default' };
  const cache = new ClientViews({ defaultClient, logger });
  const { streamsPerSecond: perSecond = defaultOptions.streamsPerSecond } = options;
  const admission = (metadata: Metadata) => {
    const identity = provenIdentity(metadata);
    return identity && admitAs(identity, logger);
  };
  let countClients = () => 0;
  let cluster: { readonly position: Position } | undefined;
  const metrics = createMetrics(
    () => countClients(),
    () => cache.refused().length,
  );
  const report = new StateReport(logger);
  const files = new ConfigSet({ clusterDomain, defaultNamespace, rootNamespace, trustDomain });
  const publisher = new ConfigPublisher({
    files,
    cache,
    onState: (state, read) => metrics.setState(state, report.write(state, read)),
    now: Date.now,
  });
  const state = () => publisher.state;
  const { host = defaultOptions.host, xdsPort = defaultOptions.xdsPort } = options;
  const { metricsPort = defaultOptions.metricsPort, debugPort = defaultOptions.debugPort } = options;
  let waitsFor: string | undefined;
  const health = await serveGet(
    healthPages(metrics, state, () => waitsFor),
    { host, port: metricsPort, flag: '--metrics-port' },
  );
  closers.add(health.close);
  const streamRate = { perSecond, clock: systemClock };
  const kubernetes = options.ca && openCaClient(options.ca, options.webhook?.configuration !== undefined);
  if (kubernetes !== undefined) closers.add(() => kubernetes.close());
  const tools = { logger, clock: systemClock, now: Date.now, kubernetes };
  const onWait = (problem: string | undefined) => {
    waitsFor = problem;
  };
  const patience = { random: Math.random, signal, onWait };
  // Before any port that clients come to: whoever finds the server finds its authority too.
  const identities =
    options.ca && (await openIdentities(options.ca, { ...tools, count: metrics.countCertificate }, patience));
  if (identities !== undefined) closers.add(identities.close);
  const authority = identities?.authority;
  const secretsFor = (metadata: Metadata) => identities?.secrets.sourceFor(provenIdentity(metadata));
  const onRefused = metrics.countRefusedStream;
  const position = () => cluster?.position;
  const ads = new AdsServer({ cache, logger, streamRate, onRefused, admission, secretsFor, position });
  countClients = () => ads.status().length;
  const loads = new LoadReportServer({
    ...{ cache, logger, onLoad: metrics.countLoad },
    ...(options.loadReportIntervalMs !== undefined && { intervalMs: options.loadReportIntervalMs }),
  });
  const { maxConnectionAgeMs = defaultOptions.maxConnectionAgeMs } = options;

  const xds = await openAdsPort({ ads, loads }, metrics, {
    host,
    port: xdsPort,
    flag: '--xds-port',
    maxConnectionAgeMs,
  });
  closers.add(xds.close);
  const tls =
    identities &&
    (await openTlsPort({
      ...{ ...tools, ca: options.ca ?? {}, ...identities, services: { ads, loads }, metrics, maxConnectionAgeMs },
      at: { host, port: options.ca?.tlsPort ?? defaultCaOptions.tlsPort, flag: '--tls-port' },
      clusterDomain: clusterDomain ?? 'cluster.local',
    }));
  if (tls !== undefined) closers.add(tls.close);
  const debug = await serveGet(debugPages({ ads, loads, cache, state }), {
    host: options.debugHost ?? host,
    port: debugPort,
    flag: '--debug-port',
  });
  closers.add(debug.close);
  const roots = authority && publishRoots(options.ca ?? {}, authority, tools);
  if (roots !== undefined) closers.add(roots.close);
  const webhook =
    options.webhook &&
    authority &&
    roots &&
    (await openWebhook({
      ...{ ...tools, webhook: options.webhook, ca: options.ca ?? {}, authority, host, clusterDomain, defaultNamespace },
      ...{ current: files, roots, count: metrics.countReview },
    }));
  if (webhook !== undefined) closers.add(webhook.close);
  cluster = await openSources(options, publisher, closers);
  const addresses = { xds: xds.address, metrics: health.address, debug: debug.address };
  return authority === undefined || tls === undefined
    ? { addresses }
    : { addresses: { ...addresses, tls: tls.address, ...(webhook && { webhook: webhook.address }) }, authority };
}
