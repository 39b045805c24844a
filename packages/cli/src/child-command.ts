import { type ChildProcess, spawn } from 'node:child_process';
import { type EndSignal, exitCodeOf } from './end-signal.js';

/** A program that runs in the terminal of this one. */
export interface ChildCommand {
  /** Its exit code; 128 and more when a signal ended it. Rejects when it does not start. */
  readonly exitCode: Promise<number>;
  /** Passes a signal on that this process was sent. */
  end(signal: EndSignal): void;
  kill(signal: NodeJS.Signals): void;
}

export function startChild([program, ...args]: readonly string[], variables: Record<string, string>): ChildCommand {
  const child = spawn(program!, args, { stdio: 'inherit', env: { ...process.env, ...variables } });
  return {
    exitCode: exitCode(child),
    end: (signal) => {
      // The terminal sends Ctrl-C to both; a second one would make many programs end without cleaning up.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    },
    kill: (signal) => child.kill(signal),
  };
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`the command does not start: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? exitCodeOf(signal!)));
  });
}
