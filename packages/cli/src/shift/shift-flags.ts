import { UsageError } from '../command.js';

/** Percents by version, their sum 100. */
export type Shares = ReadonlyMap<string, number>;

/** `v2`, or `v2=30,v1=70`. @throws UsageError */
export function parseShares(written: string | undefined): Shares {
  if (written === undefined || written === '') throw new UsageError('--to is missing');
  if (!written.includes('=') && !written.includes(',')) return new Map([[written, 100]]);
  const pairs = written.split(',').map((pair): [string, number] => {
    const [, version, percent] = /^\s*([^=\s]+)=(\d{1,3})\s*$/.exec(pair) ?? [];
    if (version === undefined) throw new UsageError(`--to: ${JSON.stringify(pair)} is not VERSION=PERCENT`);
    return [version, Number(percent)];
  });
  const shares = new Map(pairs);
  if (shares.size < pairs.length) throw new UsageError(`--to: ${JSON.stringify(written)} names a version twice`);
  const sum = pairs.reduce((total, [, percent]) => total + percent, 0);
  if (sum !== 100) throw new UsageError(`--to: the percents of ${JSON.stringify(written)} add up to ${sum}, not 100`);
  return shares;
}
