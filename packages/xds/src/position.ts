/**
 * How far a config server has followed the store that it shares with others, such as an API server. Both are numbers of that
 * store that grow (resourceVersions, KEP-5504).
 */
export interface Position {
  /** The newest change that it knows. */
  readonly changed: number;
  /** It knows of everything up to here. */
  readonly reached: number;
}

const form = /^inmesh changed=(\d{1,15}) reached=(\d{1,15})$/;

/** For `control_plane.identifier` of a response, which is opaque to other clients. */
export function writePosition({ changed, reached }: Position): string {
  return `inmesh changed=${changed} reached=${reached}`;
}

/** Undefined for identifiers of other servers, and for none. */
export function readPosition(identifier: string | undefined): Position | undefined {
  const match = form.exec(identifier ?? '');
  return match === null ? undefined : { changed: Number(match[1]), reached: Number(match[2]) };
}
