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

/** As a number, to compare versions of several kinds; 0 for what is none. */
export function versionNumber(version: string | undefined): number {
  return version !== undefined && isNumber(version) ? Number(version) : 0;
}

/** Whether it is known to be. */
export function isOlder(came: string | undefined, known: string): boolean {
  return (
    came !== undefined && came !== known && isNumber(came) && isNumber(known) && newerVersion(known, came) === known
  );
}

function isNumber(version: string): boolean {
  return /^[1-9][0-9]*$/.test(version);
}
