import type { Call } from './call.js';
import type { Service } from './service.js';

/** Puts filters, listed from the outermost to the innermost, around a service. */
export function stack<C extends Call>(
  filters: readonly ((next: Service<NoInfer<C>>) => Service<NoInfer<C>>)[],
  service: Service<C>,
): Service<C> {
  return filters.reduceRight((next, filter) => filter(next), service);
}
