import { type ClientTraits, type ClientView, clientKey } from '@inmesh/config';
import type { VersionedSnapshot } from '@inmesh/xds/server';

interface Kept {
  readonly snapshot: VersionedSnapshot;
  readonly turn: number;
}

/** Clients that one set of traits tells apart. */
interface Group {
  readonly traits: ClientTraits;
  readonly views: Map<string, Kept>;
}

/** What a kind of clients was given last. Kinds are told apart by what their own configuration had asked of them. */
export class LastViews {
  /** From the one that was used least recently on. */
  readonly #groups: Group[] = [];
  #turn = 0;
  #size = 0;

  /** @param most views that are kept; the oldest go first */
  constructor(private readonly most: number) {}

  /** @param traits all that was asked while the view was made, and perhaps more */
  keep(client: ClientView, traits: ClientTraits, snapshot: VersionedSnapshot): void {
    const { views } = this.#groupOf(traits);
    const key = clientKey(client, traits);
    if (!views.delete(key)) this.#size += 1;
    this.#turn += 1;
    views.set(key, { snapshot, turn: this.#turn });
    this.#forgetOld();
  }

  /** The newest view that was made for a client of whom everything that mattered was the same. */
  find(client: ClientView): VersionedSnapshot | undefined {
    let newest: Kept | undefined;
    for (const { traits, views } of this.#groups) {
      const kept = views.get(clientKey(client, traits));
      if (kept !== undefined && kept.turn > (newest?.turn ?? 0)) newest = kept;
    }
    return newest?.snapshot;
  }

  #groupOf(traits: ClientTraits): Group {
    const at = this.#groups.findIndex((group) => isSame(group.traits, traits));
    const [group = { traits, views: new Map<string, Kept>() }] = at < 0 ? [] : this.#groups.splice(at, 1);
    this.#groups.push(group);
    return group;
  }

  #forgetOld(): void {
    for (const { views } of this.#groups) {
      for (const key of views.keys()) {
        if (this.#size <= this.most) break;
        views.delete(key);
        this.#size -= 1;
      }
    }
    while (this.#groups[0]?.views.size === 0) this.#groups.shift();
  }
}

function isSame(a: ClientTraits, b: ClientTraits): boolean {
  const isOne = a.namespace === b.namespace && a.locality === b.locality && a.nodeName === b.nodeName;
  return isOne && a.labels.size === b.labels.size && [...a.labels].every((label) => b.labels.has(label));
}
