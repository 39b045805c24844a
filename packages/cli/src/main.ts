import { type Command, UsageError } from './command.js';
import { ca } from './commands/ca.js';
import { canary } from './commands/canary.js';
import { convert } from './commands/convert.js';
import { dev } from './commands/dev.js';
import { explain } from './commands/explain.js';
import { serve } from './commands/serve.js';
import { shift } from './commands/shift.js';
import { validate } from './commands/validate.js';
import { type Io, writeLine } from './io.js';
import { version } from './version.js';

export type { Io } from './io.js';

const commands: Readonly<Record<string, Command>> = { serve, dev, validate, explain, canary, shift, ca, convert };

/** The `inmesh` command. Returns the exit code: 0 fine, 1 failed, 2 called wrongly. */
export async function main(
  argv: readonly string[],
  io: Io = { out: process.stdout, err: process.stderr },
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return showHelp(name, io);
  if (name === '--version' || name === '-v') return show(version(), io);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return usage(`unknown command ${JSON.stringify(name)}`, 'inmesh', io);
  if (asksForHelp(rest)) return show(command.help, io);
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (error instanceof UsageError) return usage(error.message, `inmesh ${name}`, io);
    writeLine(io.err, `inmesh ${name}: ${(error as Error).message}`);
    return 1;
  }
}

/** What stands behind `--` belongs to another program. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).some((arg) => arg === '--help' || arg === '-h');
}

function showHelp(name: string | undefined, io: Io): number {
  const list = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(10)}${summary}`);
  const text = [
    'inmesh COMMAND [options]',
    '',
    ...list,
    '',
    '`inmesh COMMAND --help` says more of one; `inmesh --version`.',
  ];
  // Called with nothing, it was called wrongly.
  writeLine(name === undefined ? io.err : io.out, text.join('\n'));
  return name === undefined ? 2 : 0;
}

function show(text: string, io: Io): number {
  writeLine(io.out, text);
  return 0;
}

function usage(message: string, command: string, io: Io): number {
  writeLine(io.err, `${command}: ${message}`);
  writeLine(io.err, `\`${command} --help\` says how it is called.`);
  return 2;
}
