import { type Logger, startControlPlane } from '@inmesh/control-plane';
import { type ChildCommand, startChild } from '../child-command.js';
import { type Command, parseFlags, requirePaths, UsageError } from '../command.js';
import { makeDevIdentities } from '../dev-identities.js';
import { type EndSignals, watchEndSignals } from '../end-signal.js';
import { identityFlags, identityHelp, readIdentityFlags } from '../identity-flags.js';
import { type Io, writeLine } from '../io.js';
import { terminalLogger } from '../terminal-logger.js';
import { listeningLine } from './serve.js';

const options = {
  config: { type: 'string', multiple: true },
  'cluster-domain': { type: 'string' },
  namespace: { type: 'string' },
  ...identityFlags,
} as const;

export const dev: Command = {
  summary: 'serve YAML on free ports, and run a program in that mesh',
  help: `inmesh dev --config PATH [-- COMMAND ARGS...]

Serves files and folders of YAML on free ports of loopback, and says with every save what is wrong or what was published.
With a command: runs it with INMESH_XDS and INMESH_LOAD_REPORTS set, and ends with its exit code. Each mesh in it gets an
identity for its service account (SERVICE_ACCOUNT, POD_NAMESPACE), from a certificate authority that is gone when this ends.

  --config PATH        file or folder, watched for changes; may be given several times
  --cluster-domain D   end of service names (cluster.local)
  --namespace NS       of objects that name none (default)
${identityHelp}`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { own, command } = splitCommand(argv);
  const { values } = parseFlags(own, { options });
  const config = requirePaths(values.config, '--config');
  let child: ChildCommand | undefined;
  const signals = watchEndSignals(() => child?.kill('SIGKILL'));
  const identities = makeDevIdentities(values['trust-domain']);
  try {
    const controlPlane = await startControlPlane({
      config,
      xdsPort: 0,
      metricsPort: 0,
      debugPort: 0,
      ca: identities.ca,
      ...readIdentityFlags(values),
      clusterDomain: values['cluster-domain'],
      defaultNamespace: values.namespace,
      logger: devLogger(io),
    });
    writeLine(io.out, listeningLine(controlPlane));
    try {
      const variables = {
        ...{ INMESH_XDS: controlPlane.addresses.xds, INMESH_LOAD_REPORTS: 'true' },
        ...identities.variables(controlPlane),
      };
      child = command && startChild(command, variables);
      return await untilEnd(signals, child);
    } finally {
      await controlPlane.close();
    }
  } finally {
    identities.close();
    signals.dispose();
  }
}

function splitCommand(argv: readonly string[]): { own: readonly string[]; command: readonly string[] | undefined } {
  const end = argv.indexOf('--');
  if (end < 0) return { own: argv, command: undefined };
  if (end === argv.length - 1) throw new UsageError('the command behind -- is missing');
  return { own: argv.slice(0, end), command: argv.slice(end + 1) };
}

/** Without a command it goes on until a signal; with one until that ends, by itself or because the signal was passed on. */
async function untilEnd(signals: EndSignals, child: ChildCommand | undefined): Promise<number> {
  if (child === undefined) {
    await signals.first;
    return 0;
  }
  void signals.first.then((signal) => child.end(signal));
  return await child.exitCode;
}

/** What was published goes to stdout with the time of day, because one such line looks like the one before. */
function devLogger({ out, err }: Io): Logger {
  return {
    ...terminalLogger(err),
    info: (message) => writeLine(out, `${message} (${new Date().toTimeString().slice(0, 8)})`),
  };
}
