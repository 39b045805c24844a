import type { PolicySet } from './rbac-policies.js';

/** What the values of a condition are compared with. */
export type Text = 'paths' | 'hosts' | 'addresses' | { readonly header: string };

export interface SpecValues {
  readonly text: Text;
  readonly values: readonly string[];
  /** Where one of them is met: of DENY what is asked for, and of ALLOW what is not to be, leads to a refusal. */
  readonly leadsTo: 'refusal' | 'admission';
}

type Fields = Readonly<Record<string, readonly string[]>>;

interface Spec {
  readonly action?: string;
  readonly rules?: readonly {
    readonly from?: readonly { readonly source: Fields }[];
    readonly to?: readonly { readonly operation: Fields }[];
    readonly when?: readonly { readonly key: string; readonly values?: string[]; readonly notValues?: string[] }[];
  }[];
}

/** Of the conditions about what may be read in several ways. */
export function specValues({ specs }: PolicySet): SpecValues[] {
  return (specs as readonly Spec[]).flatMap(({ action, rules = [] }) => {
    const entry = (text: Text, values: readonly string[] | undefined, isNot: boolean): SpecValues[] => {
      const leadsTo = (action === 'DENY') === isNot ? 'admission' : 'refusal';
      return values === undefined ? [] : [{ text, values, leadsTo }];
    };
    const both = (fields: Fields, name: string, text: Text) => [
      ...entry(text, fields[name], false),
      ...entry(text, fields[`not${name[0]!.toUpperCase()}${name.slice(1)}`], true),
    ];
    return rules.flatMap(({ from = [], to = [], when = [] }) => [
      ...from.flatMap(({ source }) => both(source, 'remoteIpBlocks', 'addresses')),
      ...to.flatMap(({ operation }) => [...both(operation, 'paths', 'paths'), ...both(operation, 'hosts', 'hosts')]),
      ...when.flatMap(({ key, values, notValues }) => {
        const text = textOf(key);
        return text === undefined ? [] : [...entry(text, values, false), ...entry(text, notValues, true)];
      }),
    ]);
  });
}

function textOf(key: string): Text | undefined {
  if (key === 'remote.ip') return 'addresses';
  const header = /^request\.headers\[(.*)\]$/.exec(key)?.[1]?.toLowerCase();
  return header === undefined ? undefined : { header };
}
