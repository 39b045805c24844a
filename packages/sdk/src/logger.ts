/** What this library writes to: `console` and winston as they are, pino with its two arguments swapped. */
export interface Logger {
  /** Without it such lines are left out. */
  debug?(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** The default: a library is silent until it is given a logger. */
export const silentLogger: Logger = Object.freeze({ info() {}, warn() {}, error() {} });
