/**
 * What a router may take a canonical path for: Express and others compare in any case, with or without a slash at the end,
 * and decoded. A policy that refuses has to consider all of them. The path itself comes first.
 */
export function pathForms(path: string): string[] {
  const decoded = decode(path);
  const bare = decoded.replace(/\/+$/, '');
  const forms = new Set([path, decoded]);
  for (const form of [bare, `${bare}/`, path.replace(/\/+$/, '')]) {
    if (form === '') continue;
    forms.add(form).add(form.toLowerCase()).add(form.toUpperCase());
  }
  return [...forms];
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What a host may be compared by: with its port, and without it. */
export function authorityForms(authority: string): string[] {
  const host = authority.replace(/:\d*$/, '');
  return host === authority ? [authority] : [authority, host];
}

/**
 * What a header may be taken for: its lines joined by a comma, as Envoy compares them, each line, and each element of a
 * list. Node reads bytes as Latin-1; where they are UTF-8 the text is another form. Undefined: some bytes are neither
 * ASCII nor UTF-8, so that nobody knows.
 */
export function headerForms(lines: readonly string[]): string[] | undefined {
  const values = new Set([
    lines.join(','),
    ...lines,
    ...lines.flatMap((line) => line.split(',').map((part) => part.trim())),
  ]);
  for (const value of [...values]) {
    if (!/[\x80-\xff]/.test(value)) continue;
    const text = fromLatin1(value);
    if (text === undefined) return undefined;
    values.add(text);
  }
  return [...values];
}

function fromLatin1(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replace(/[%\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`));
  } catch {
    return undefined;
  }
}

/** Lower-case, without the dot at the end that DNS allows. */
export function canonicalAuthority(authority: string): string {
  return authority.toLowerCase().replace(/\.(?=:\d*$|$)/, '');
}
