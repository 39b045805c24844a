import { requestRotation } from '@inmesh/control-plane';
import { type Command, parseFlags, UsageError } from '../command.js';
import { type Io, writeLine } from '../io.js';

export const ca: Command = {
  summary: 'change the root of a certificate authority',
  help: `inmesh ca rotate DIR

Asks the config server whose --ca is DIR to change its root certificate. For a day both roots are known and the old one signs,
for another day both are trusted and the new one signs; then the old one is forgotten. The server begins within 10 s.`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { positionals } = parseFlags(argv, { options: {}, allowPositionals: true });
  const [action, folder, ...more] = positionals;
  if (action !== 'rotate') throw new UsageError('say what is to be done: inmesh ca rotate DIR');
  if (!folder || more.length > 0) throw new UsageError('name one folder: inmesh ca rotate DIR');
  requestRotation(folder);
  writeLine(io.out, `asked the server of ${folder} for another root`);
  return 0;
}
