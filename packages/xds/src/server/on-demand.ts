import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

/** Made once each; a client that makes names up pushes out others, which are then made again, equal to what they were. */
const maxKept = 1000;

/** Resources that are made when they are named. */
export class OnDemand {
  readonly #made = new Map<string, VersionedResource | undefined>();

  constructor(private readonly make: (name: string) => VersionedResource | undefined) {}

  get(name: string): VersionedResource | undefined {
    if (this.#made.has(name)) return this.#made.get(name);
    const made = this.make(name);
    if (this.#made.size >= maxKept) this.#forgetOldest();
    this.#made.set(name, made);
    return made;
  }

  #forgetOldest(): void {
    const [oldest] = this.#made.keys();
    if (oldest !== undefined) this.#made.delete(oldest);
  }
}

/** What a type has under a name, be it listed or made on demand. */
export function findResource({ resources, onDemand }: VersionedType, name: string): VersionedResource | undefined {
  return resources.get(name) ?? onDemand?.get(name);
}
