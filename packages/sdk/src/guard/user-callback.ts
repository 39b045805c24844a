import type { Logger } from '../logger.js';

/**
 * Calls what a user gave us. A throw, or a rejection where no promise was asked for, is logged and goes no further.
 * @returns what it returned, or `otherwise` when it threw
 */
export function callUser<T>(logger: Logger, what: string, callback: () => T, otherwise: T): T {
  const failed = (error: unknown) => tell(logger, `${what} threw`, error);
  try {
    const result = callback();
    if (result instanceof Promise) result.catch(failed);
    return result;
  } catch (error) {
    failed(error);
    return otherwise;
  }
}

function tell(logger: Logger, message: string, error: unknown): void {
  try {
    logger.error(message, { error });
  } catch {
    // The logger is the user's too, and there is nobody left to tell.
  }
}
