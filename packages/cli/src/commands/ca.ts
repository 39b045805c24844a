import { findCluster, openClient, requestRotation, requestSecretRotation } from '@inmesh/control-plane';
import { type Command, parseFlags, UsageError } from '../command.js';
import { parseObjectName } from '../flag-values.js';
import { type Io, writeLine } from '../io.js';

export const ca: Command = {
  summary: 'change the root of a certificate authority',
  help: `inmesh ca rotate DIR
inmesh ca rotate --kubernetes NS/NAME

Asks the config server whose --ca is DIR, or the servers whose --ca-secret is NS/NAME, to change its root certificate. For a
day both roots are known and the old one signs, for another day both are trusted and the new one signs; then the old one is
forgotten. The server begins within 10 s. The cluster is that of KUBECONFIG.`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = { kubernetes: { type: 'string' } } as const;
  const { positionals, values } = parseFlags(argv, { options, allowPositionals: true });
  const [action, folder, ...more] = positionals;
  if (action !== 'rotate') throw new UsageError('say what is to be done: inmesh ca rotate DIR');
  const secret = parseObjectName(values.kubernetes, '--kubernetes');
  if (more.length > 0 || !folder === (secret === undefined)) {
    throw new UsageError('name one folder or Secret: inmesh ca rotate DIR, inmesh ca rotate --kubernetes NS/NAME');
  }
  if (secret === undefined) requestRotation(folder ?? '');
  else await rotateSecret(secret);
  writeLine(io.out, `asked the server of ${folder ?? values.kubernetes} for another root`);
  return 0;
}

async function rotateSecret(secret: NonNullable<ReturnType<typeof parseObjectName>>): Promise<void> {
  const client = openClient(findCluster());
  try {
    await requestSecretRotation(client, secret, Date.now());
  } finally {
    await client.close();
  }
}
