/**
 * The newer of two resourceVersions. Those of Kubernetes' own storage are numbers that grow (KEP-5504); of others nothing is
 * known but whether they are the same, and the one that came later counts.
 */
export function newerVersion(known: string, came: string | undefined): string {
  if (came === undefined || came === '') return known;
  if (!isNumber(known) || !isNumber(came)) return came;
  if (known.length !== came.length) return known.length > came.length ? known : came;
  return known >= came ? known : came;
}

function isNumber(version: string): boolean {
  return /^[1-9][0-9]*$/.test(version);
}
