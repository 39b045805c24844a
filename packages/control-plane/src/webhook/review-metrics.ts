import { Counter, type Registry } from 'prom-client';
import type { ReviewResult } from './webhook-port.js';

/** How admission reviews ended. */
export function reviewMetrics(registers: Registry[]): (result: ReviewResult) => void {
  const reviews = new Counter({
    name: 'inmesh_webhook_reviews_total',
    help: 'Admission reviews; failed are those that could not be read.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['allowed', 'denied', 'failed'] as const) reviews.inc({ result }, 0);
  return (result) => reviews.inc({ result });
}
