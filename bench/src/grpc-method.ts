/** Bytes in the place of messages: no serializer is measured. */
export const method = '/bench.Reviews/Get';
export const request = Buffer.from('7'.padEnd(16));
