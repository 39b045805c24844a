/** Where a command writes; the process's own streams, unless a test gives others. */
export interface Io {
  readonly out: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly err: { write(text: string): unknown };
}

export function writeLine(to: Io['out'], line: string): void {
  to.write(`${line}\n`);
}
