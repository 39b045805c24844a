/** A certificate and its key, both PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A root, and the intermediate that signs in its name. */
export interface Generation {
  readonly root: KeyedCertificate;
  readonly intermediate: KeyedCertificate;
}

/**
 * How far a planned change of roots is. In both middle phases both roots are trusted; each lasts until whoever fetched
 * its certificate before the phase has fetched another.
 */
export type RollOver =
  | { readonly kind: 'steady'; readonly signer: Generation }
  /** The new root is being made known, the old one signs. */
  | ({ readonly kind: 'announcing'; readonly signer: Generation; readonly next: Generation } & UnderWay)
  /** The new root signs, the old one is trusted until nothing that it signed is left. */
  | ({ readonly kind: 'retiring'; readonly signer: Generation; readonly previous: string } & UnderWay);

interface UnderWay {
  readonly since: number;
  /** Roots of neither, PEM, that are trusted as long as this lasts: those of changes that this one came upon. */
  readonly older?: readonly string[];
}

/** What comes after a phase, and when (ISO 8601). Undefined where no change is under way. */
export function nextPhase(
  state: RollOver,
  phaseMs: number,
): { readonly next: string; readonly from: string } | undefined {
  if (state.kind === 'steady') return undefined;
  const next = state.kind === 'announcing' ? 'the new root signs' : 'the old root is forgotten';
  return { next, from: new Date(state.since + phaseMs).toISOString() };
}

/** Those that verify, as PEM; the one that signs is the first. */
export function trustedRoots(state: RollOver): readonly string[] {
  const signing = state.signer.root.certificate;
  if (state.kind === 'steady') return [signing];
  const other = state.kind === 'announcing' ? state.next.root.certificate : state.previous;
  return [signing, other, ...(state.older ?? [])];
}

/** Begins a roll-over. One that is under way goes on instead: three roots would be two plans. */
export function announce(state: RollOver, next: Generation, now: number): RollOver {
  return state.kind === 'steady' ? { kind: 'announcing', signer: state.signer, next, since: now } : state;
}

/**
 * One plan of two that know nothing of each other: what signs for us goes on, and makes way for what was found as in any
 * other change. Whatever one of them trusts stays trusted meanwhile.
 */
export function join(own: RollOver, found: RollOver, now: number): RollOver {
  const [signer, next] = [own.signer, found.signer];
  const both = [signer.root.certificate, next.root.certificate];
  const older = [...trustedRoots(own), ...trustedRoots(found)].filter((root) => !both.includes(root));
  return { kind: 'announcing', signer, next, since: now, ...(older.length > 0 && { older: [...new Set(older)] }) };
}

/** The next phase when this one has lasted `phaseMs`, else the same object. */
export function advance(state: RollOver, now: number, phaseMs: number): RollOver {
  if (state.kind === 'steady' || now < state.since + phaseMs) return state;
  if (state.kind === 'retiring') return { kind: 'steady', signer: state.signer };
  const previous = state.signer.root.certificate;
  return { kind: 'retiring', signer: state.next, previous, since: now, ...(state.older && { older: state.older }) };
}
