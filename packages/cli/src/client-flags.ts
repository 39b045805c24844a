import { UsageError } from './command.js';

/** Who a question is asked for. */
export const clientOptions = { labels: { type: 'string' }, locality: { type: 'string' } } as const;

/** `app=shop,version=v1`; undefined when not given. */
export function parseLabels(written: string | undefined): Record<string, string> | undefined {
  if (written === undefined) return undefined;
  const pairs = written.split(',').map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`--labels: ${JSON.stringify(pair)} is not key=value`);
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

/** `region/zone/subzone`, the last parts of which may be left out; undefined when not given. */
export function parseLocality(
  written: string | undefined,
): { readonly region: string; readonly zone: string; readonly subZone: string } | undefined {
  if (written === undefined) return undefined;
  const parts = written.split('/');
  if (parts.length > 3 || parts[0] === '') {
    throw new UsageError(`--locality: ${JSON.stringify(written)} is not region/zone/subzone`);
  }
  const [region = '', zone = '', subZone = ''] = parts;
  return { region, zone, subZone };
}
