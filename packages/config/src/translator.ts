import { asSdk, type ClientTraits, type ClientView, clientKey } from './client.js';
import type { LoadedConfig } from './load-config.js';
import { Memory } from './memory.js';
import { inDialect } from './translate/translate.js';

interface Done {
  /** Who the translation was made for, an SDK. */
  readonly client: ClientView;
  readonly traits: ClientTraits;
  /** Kept while others use it: many clients ask one after the other when something has changed, and seldom later. */
  readonly config: WeakRef<LoadedConfig>;
}

/** More kinds of clients than these are translated for one by one. */
const maxDone = 100;

/** Translates one set of files for many clients: those that differ in their kind alone share all but the last step. */
export class Translator {
  readonly #done: Done[] = [];

  /** @param load for an SDK */
  constructor(
    private readonly load: (client: ClientView) => LoadedConfig,
    private readonly memory = new Memory(),
  ) {}

  /** What has been translated for an SDK already. */
  add(client: ClientView, config: LoadedConfig): void {
    this.#done.push({ client, traits: config.client, config: new WeakRef(config) });
    if (this.#done.length > maxDone) this.#done.shift();
  }

  translate(client: ClientView): LoadedConfig {
    const sdk = asSdk(client);
    return inDialect(this.#find(sdk) ?? this.#make(sdk), client, this.memory);
  }

  #find(client: ClientView): LoadedConfig | undefined {
    for (const { client: other, traits, config } of this.#done) {
      const known = config.deref();
      if (known !== undefined && clientKey(other, traits) === clientKey(client, traits)) return known;
    }
    return undefined;
  }

  #make(client: ClientView): LoadedConfig {
    const config = this.load(client);
    this.add(client, config);
    return config;
  }
}
