import { type ControlPlane, longestAgeMs, startControlPlane } from '@inmesh/control-plane';
import { caFlags, caHelp, clientsHelp, readCaFlags } from '../ca-flags.js';
import { type Command, parseFlags, parsePort, requirePaths } from '../command.js';
import { watchEndSignals } from '../end-signal.js';
import { parseAmount, parseDurationMs } from '../flag-values.js';
import { identityFlags, identityHelp, readIdentityFlags } from '../identity-flags.js';
import { type Io, writeLine } from '../io.js';
import { terminalLogger } from '../terminal-logger.js';

const options = {
  config: { type: 'string', multiple: true },
  host: { type: 'string' },
  'xds-port': { type: 'string' },
  'metrics-port': { type: 'string' },
  'debug-port': { type: 'string' },
  ...caFlags,
  ...identityFlags,
  'streams-per-second': { type: 'string' },
  'max-connection-age': { type: 'string' },
  'cluster-domain': { type: 'string' },
  namespace: { type: 'string' },
} as const;

export const serve: Command = {
  summary: 'serve YAML to the mesh by xDS, and every save of it',
  help: `inmesh serve --config DIR [--config DIR ...]

Serves files and folders of YAML by xDS. A broken file is refused and its last good content stays in use. Prints
LISTENING xds=HOST:PORT debug=HOST:PORT metrics=HOST:PORT on stdout when it is ready, with tls=HOST:PORT beside them
where it gives identities; all else goes to stderr.

  --config PATH        file or folder, watched for changes; may be given several times
  --host HOST          address of all ports (127.0.0.1)
  --xds-port N         clients (15010); 0 takes a free port, here and below
  --metrics-port N     /metrics /healthz /ready (15014)
  --debug-port N       /debug/config_dump /debug/status /debug/issues /debug/loads /debug/endpoints (8080)
${caHelp}
  --streams-per-second N
                       how many streams of clients may begin (100); others wait, for 10 s at most
  --max-connection-age DURATION
                       after it a client has to connect anew, so that several servers share the clients (30m)
  --cluster-domain D   end of service names (cluster.local)
  --namespace NS       of objects that name none (default)
${identityHelp}`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values } = parseFlags(argv, { options });
  const settings = {
    config: requirePaths(values.config, '--config'),
    host: values.host,
    xdsPort: parsePort(values['xds-port'], '--xds-port'),
    metricsPort: parsePort(values['metrics-port'], '--metrics-port'),
    debugPort: parsePort(values['debug-port'], '--debug-port'),
    ca: readCaFlags(values, values['trust-domain']),
    ...readIdentityFlags(values),
    streamsPerSecond: parseAmount(values['streams-per-second'], '--streams-per-second'),
    maxConnectionAgeMs: parseDurationMs(values['max-connection-age'], '--max-connection-age', longestAgeMs),
    clusterDomain: values['cluster-domain'],
    defaultNamespace: values.namespace,
    logger: terminalLogger(io.err),
  };
  const signals = watchEndSignals();
  try {
    const controlPlane = await startControlPlane(settings);
    const { tls } = controlPlane.addresses;
    if (settings.ca !== undefined && tls !== undefined) writeLine(io.err, clientsHelp(settings.ca, tls));
    writeLine(io.out, listeningLine(controlPlane));
    await signals.first;
    await controlPlane.close();
    return 0;
  } finally {
    signals.dispose();
  }
}

/** Programs wait for this line and read the ports from it. */
export function listeningLine({ addresses: { xds, debug, metrics, tls } }: ControlPlane): string {
  return `LISTENING xds=${xds} debug=${debug} metrics=${metrics}${tls === undefined ? '' : ` tls=${tls}`}`;
}
