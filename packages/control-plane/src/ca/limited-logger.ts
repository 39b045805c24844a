import type { Logger } from '../logger.js';

const windowMs = 10_000;
const linesPerWindow = 20;

/**
 * Warnings of what strangers can cause at will: of each message 20 in 10 s, and then how many there were more. The metric
 * counts all.
 * @param now monotonic, in ms
 */
export function limitedLogger(logger: Logger, now: () => number): Logger {
  const windows = new Map<string, { from: number; lines: number }>();
  return {
    info: (message, fields) => logger.info(message, fields),
    error: (message, fields) => logger.error(message, fields),
    warn: (message, fields) => {
      const window = windows.get(message);
      if (window !== undefined && now() - window.from < windowMs) {
        window.lines += 1;
        if (window.lines <= linesPerWindow) logger.warn(message, fields);
        return;
      }
      windows.set(message, { from: now(), lines: 1 });
      const left = (window?.lines ?? 0) - linesPerWindow;
      logger.warn(message, left > 0 ? { ...fields, notLoggedBefore: left } : fields);
    },
  };
}
