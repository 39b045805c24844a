import type { WriteStream } from 'node:tty';

/** Where the demo writes: messages that stay, and a table that is kept up to date. */
export interface Screen {
  /** How often a table is wanted. */
  readonly tableEveryMs: number;
  say(line: string): void;
  showTable(lines: readonly string[]): void;
}

export function createScreen(output: WriteStream): Screen {
  return output.isTTY ? new LiveScreen(output) : new PlainScreen(output);
}

/** For logs: every table follows the one before it. */
class PlainScreen implements Screen {
  readonly tableEveryMs = 5000;

  constructor(private readonly output: NodeJS.WritableStream) {}

  say(line: string): void {
    this.output.write(`${line}\n`);
  }

  showTable(lines: readonly string[]): void {
    this.say(`\n${lines.join('\n')}`);
  }
}

/** For a terminal: the table stays at the bottom and is drawn over; messages go above it. */
class LiveScreen implements Screen {
  readonly tableEveryMs = 1000;
  #table: readonly string[] = [];

  constructor(private readonly output: WriteStream) {}

  say(line: string): void {
    this.#redraw(`${line}\n`, this.#table);
  }

  showTable(lines: readonly string[]): void {
    this.#redraw('', lines);
  }

  #redraw(message: string, table: readonly string[]): void {
    const up = this.#table.length === 0 ? '' : `\x1b[${this.#table.length + 1}A`;
    // A line that wrapped would take two rows, and the cursor would not go up far enough.
    const cut = table.map((line) => `${line.slice(0, this.output.columns - 1)}\n`);
    this.#table = table;
    this.output.write(`${up}\x1b[0J${message}${cut.length === 0 ? '' : '\n'}${cut.join('')}`);
  }
}
