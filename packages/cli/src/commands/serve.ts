import { type ControlPlane, longestAgeMs, startControlPlane } from '@inmesh/control-plane';
import { caFlags, caHelp, clientsHelp, readCaFlags } from '../ca-flags.js';
import { type Command, parseFlags, parsePort, requirePaths } from '../command.js';
import { watchEndSignals } from '../end-signal.js';
import { parseAmount, parseDurationMs } from '../flag-values.js';
import { identityFlags, identityHelp, readIdentityFlags } from '../identity-flags.js';
import { type Io, writeLine } from '../io.js';
import { kubernetesFlags, kubernetesHelp, readKubernetesFlags } from '../kubernetes-flags.js';
import { terminalLogger } from '../terminal-logger.js';
import { readWebhookFlags, webhookFlags, webhookHelp } from '../webhook-flags.js';

const options = {
  config: { type: 'string', multiple: true },
  ...kubernetesFlags,
  host: { type: 'string' },
  'xds-port': { type: 'string' },
  'metrics-port': { type: 'string' },
  'debug-port': { type: 'string' },
  'debug-host': { type: 'string' },
  ...caFlags,
  ...webhookFlags,
  ...identityFlags,
  'streams-per-second': { type: 'string' },
  'max-connection-age': { type: 'string' },
  'load-report-interval': { type: 'string' },
  'cluster-domain': { type: 'string' },
  namespace: { type: 'string' },
} as const;

export const serve: Command = {
  summary: 'serve YAML or the objects of a cluster to the mesh by xDS, and every change of them',
  help: `inmesh serve --config DIR [--config DIR ...]
inmesh serve --kubernetes [--config DIR ...]

Serves files and folders of YAML, the objects of a Kubernetes cluster, or both, by xDS. A broken file or object is refused and
its last good content stays in use. Prints
LISTENING xds=HOST:PORT debug=HOST:PORT metrics=HOST:PORT on stdout when it is ready, with tls=HOST:PORT and webhook=HOST:PORT
beside them where it has them; all else goes to stderr.

  --config PATH        file or folder, watched for changes; may be given several times
${kubernetesHelp}
  --host HOST          address of all ports (127.0.0.1)
  --xds-port N         clients (15010); 0 takes a free port, here and below
  --metrics-port N     /metrics /healthz /ready (15014)
  --debug-port N       /debug/config_dump /debug/status /debug/issues /debug/loads /debug/endpoints (8080)
  --debug-host HOST    address of the debug port, where that of the others is for all to reach (that of --host)
${caHelp}
${webhookHelp}
  --streams-per-second N
                       how many streams of clients may begin (100); others wait, for 10 s at most
  --max-connection-age DURATION
                       after it a client has to connect anew, so that several servers share the clients (30m)
  --load-report-interval DURATION
                       how often clients that report their load do so (10s)
  --cluster-domain D   end of service names (cluster.local)
  --namespace NS       of objects that name none (default)
${identityHelp}`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(argv, { options });
  const settings = {
    ...sources(values),
    host: values.host,
    xdsPort: parsePort(values['xds-port'], '--xds-port'),
    metricsPort: parsePort(values['metrics-port'], '--metrics-port'),
    debugPort: parsePort(values['debug-port'], '--debug-port'),
    debugHost: values['debug-host'],
    ...ofIdentities(values),
    streamsPerSecond: parseAmount(values['streams-per-second'], '--streams-per-second'),
    maxConnectionAgeMs: parseDurationMs(values['max-connection-age'], '--max-connection-age', longestAgeMs),
    loadReportIntervalMs: parseDurationMs(values['load-report-interval'], '--load-report-interval', 3_600_000),
    clusterDomain: values['cluster-domain'],
    defaultNamespace: values.namespace,
    logger: terminalLogger(io.err),
  };
  const signals = watchEndSignals();
  const waiting = new AbortController();
  void signals.first.then(() => waiting.abort());
  try {
    const controlPlane = await startControlPlane(settings, waiting.signal);
    const { tls } = controlPlane.addresses;
    if (settings.ca !== undefined && tls !== undefined) writeLine(io.err, clientsHelp(settings.ca, tls));
    writeLine(io.out, listeningLine(controlPlane));
    await signals.first;
    await controlPlane.close();
    return 0;
  } catch (error) {
    // It was told to end while it waited for its keys.
    if (waiting.signal.aborted) return 0;
    throw error;
  } finally {
    signals.dispose();
  }
}

function ofIdentities(
  values: Parameters<typeof readCaFlags>[0] &
    Parameters<typeof readWebhookFlags>[0] &
    Parameters<typeof readIdentityFlags>[0],
) {
  const ca = readCaFlags(values, values['trust-domain']);
  return { ...readIdentityFlags(values), ca, webhook: readWebhookFlags(values, ca) };
}

function sources(
  values: Parameters<typeof readKubernetesFlags>[0] & { readonly config?: readonly string[] | undefined },
) {
  const kubernetes = readKubernetesFlags(values);
  const isAlone = kubernetes !== undefined && values.config === undefined;
  return { kubernetes, config: isAlone ? [] : requirePaths(values.config, '--config') };
}

/** Programs wait for this line and read the ports from it. */
export function listeningLine({ addresses: { xds, debug, metrics, tls, webhook } }: ControlPlane): string {
  const ports = { xds, debug, metrics, ...(tls && { tls }), ...(webhook && { webhook }) };
  return ['LISTENING', ...Object.entries(ports).map(([name, address]) => `${name}=${address}`)].join(' ');
}
