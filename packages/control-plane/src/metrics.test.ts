import { expect, it } from 'vitest';
import { createMetrics } from './metrics.js';

it('The time of the processor counts from the start, not from the first look', async () => {
  const metrics = createMetrics(
    () => 0,
    () => 0,
  );
  const before = process.cpuUsage();
  const usedMicros = () => {
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  while (usedMicros() < 50_000);
  const seconds = /^process_cpu_seconds_total (\S+)/m.exec(await metrics.text())?.[1];
  expect(Number(seconds)).toBeGreaterThanOrEqual(0.05);
});
