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
  | { readonly kind: 'announcing'; readonly signer: Generation; readonly next: Generation; readonly since: number }
  /** The new root signs, the old one is trusted until nothing that it signed is left. */
  | { readonly kind: 'retiring'; readonly signer: Generation; readonly previous: string; readonly since: number };

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
  if (state.kind === 'announcing') return [signing, state.next.root.certificate];
  return state.kind === 'retiring' ? [signing, state.previous] : [signing];
}

/** Begins a roll-over. One that is under way goes on instead: three roots would be two plans. */
export function announce(state: RollOver, next: Generation, now: number): RollOver {
  return state.kind === 'steady' ? { kind: 'announcing', signer: state.signer, next, since: now } : state;
}

/** The next phase when this one has lasted `phaseMs`, else the same object. */
export function advance(state: RollOver, now: number, phaseMs: number): RollOver {
  if (state.kind === 'steady' || now < state.since + phaseMs) return state;
  if (state.kind === 'retiring') return { kind: 'steady', signer: state.signer };
  const previous = state.signer.root.certificate;
  return { kind: 'retiring', signer: state.next, previous, since: now };
}
