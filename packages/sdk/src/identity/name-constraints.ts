import { isIP } from 'node:net';
import { type DerValue, readDer } from './der.js';
import { nameTags } from './name-tags.js';

/** Within which names of certificates further down have to be (RFC 5280 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly DerValue[];
  readonly excluded: readonly DerValue[];
}

const tags = { permitted: 0xa0, excluded: 0xa1 } as const;

/** Of the parts of the extension. @throws RangeError when they are not of its form */
export function readNameConstraints(parts: readonly DerValue[]): NameConstraints {
  const of = (tag: number) =>
    parts.filter((part) => part.tag === tag).flatMap(({ content }) => readDer(content).map(baseOf));
  return { permitted: of(tags.permitted), excluded: of(tags.excluded) };
}

/** With a minimum or a maximum it is of no profile that is in use. */
function baseOf({ content }: DerValue): DerValue {
  const [base, ...limits] = readDer(content);
  if (base === undefined || limits.length > 0) throw new RangeError('a name constraint has limits');
  return base;
}

/**
 * What is wrong with the names of a certificate under those constraints; undefined: nothing. Names of kinds that are not
 * looked into must not be constrained.
 */
export function checkNames(names: readonly DerValue[], { permitted, excluded }: NameConstraints): string | undefined {
  for (const name of names) {
    const allowed = permitted.filter(({ tag }) => tag === name.tag);
    const denied = excluded.filter(({ tag }) => tag === name.tag);
    if (allowed.length + denied.length === 0) continue;
    const isWithin = tests.get(name.tag);
    if (isWithin === undefined) return 'has a name of a kind whose constraints are not known';
    const verdicts = (bases: readonly DerValue[]) => bases.map(({ content }) => isWithin(name.content, content));
    const within = [verdicts(allowed), verdicts(denied)] as const;
    const isUnknown = within.flat().includes('unknown');
    const isAllowed = allowed.length === 0 || within[0].includes(true);
    if (isUnknown || !isAllowed || within[1].includes(true))
      return `has the name ${textOf(name)}, which is not allowed`;
  }
  return undefined;
}

type Test = (name: Buffer, base: Buffer) => boolean | 'unknown';

const tests: ReadonlyMap<number, Test> = new Map<number, Test>([
  [nameTags.uri, isUriWithin],
  [nameTags.dns, (name, base) => isDomainWithin(lower(name), lower(base))],
  [nameTags.ip, isAddressWithin],
]);

/** The host alone counts: it is that of the constraint, or below it where that begins with a period. */
function isUriWithin(name: Buffer, base: Buffer): boolean | 'unknown' {
  const [, host] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([a-z0-9._-]+)(?::\d*)?(?:[/?#]|$)/.exec(lower(name)) ?? [];
  if (host === undefined || isIP(host) !== 0) return 'unknown';
  const wanted = lower(base);
  return wanted === '' || wanted === host || (wanted.startsWith('.') && host.endsWith(wanted));
}

function isDomainWithin(name: string, base: string): boolean {
  return base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`);
}

/** A constraint is an address and a mask. */
function isAddressWithin(name: Buffer, base: Buffer): boolean {
  if (base.length !== 2 * name.length) return false;
  return name.every((byte, at) => (byte & base[name.length + at]!) === (base[at]! & base[name.length + at]!));
}

function lower(bytes: Buffer): string {
  return bytes.toString('latin1').toLowerCase();
}

function textOf({ tag, content }: DerValue): string {
  return tag === nameTags.ip ? content.join('.') : JSON.stringify(content.toString('latin1'));
}
