import type { ConfigSet, LoadedConfig, SourceFile } from '@inmesh/config';
import { versionSnapshot } from '@inmesh/xds/server';
import type { ClientViews } from './client-views.js';
import { type ConfigState, initialState } from './config-state.js';
import { checkSnapshot } from './consistency.js';

export interface PublisherOptions {
  readonly files: Pick<ConfigSet, 'update' | 'translator'>;
  readonly cache: Pick<ClientViews, 'current' | 'setVersioned'>;
  /** Called with every state; `files` is what the state was made of, undefined when the files could not be read. */
  readonly onState: (state: ConfigState, files: readonly SourceFile[] | undefined) => void;
  /** Wall clock, in ms. */
  readonly now: () => number;
}

/** Files in, snapshots out. Whatever is wrong with the files, the last good snapshot stays published. */
export class ConfigPublisher {
  #state: ConfigState = initialState;
  /** What the files were translated to last, published or not. */
  #newest: LoadedConfig | undefined;

  constructor(private readonly options: PublisherOptions) {}

  get state(): ConfigState {
    return this.#state;
  }

  /** @param sourceErrors why they may not be as they are now */
  setFiles(files: readonly SourceFile[], sourceErrors: readonly string[] = []): ConfigState {
    const { config, issues, refused, lastGood } = this.options.files.update(files);
    const before = { ...this.#state, issues, refused, lastGood, sourceErrors };
    const isNew = config !== undefined && config !== this.#newest;
    this.#newest = config;
    this.#enter(isNew ? this.#publish(config, before) : before, files);
    return this.#state;
  }

  /** Why the files cannot be read; none: they can. What is published stays. */
  setSourceErrors(sourceErrors: readonly string[]): void {
    this.#enter({ ...this.#state, sourceErrors }, undefined);
  }

  #publish({ resources: set, client: traits, selecting }: LoadedConfig, before: ConfigState): ConfigState {
    try {
      const { cache, files } = this.options;
      const snapshot = versionSnapshot(set, cache.current);
      const { resources, problems } = checkSnapshot(snapshot);
      if (problems.length > 0) return { ...before, inconsistencies: problems };
      cache.setVersioned(snapshot, { traits, selecting, load: files.translator() });
      return { ...before, inconsistencies: [], served: { set, resources, acceptedAtMs: this.options.now() } };
    } catch (error) {
      return { ...before, inconsistencies: [(error as Error).message] };
    }
  }

  #enter(state: ConfigState, files: readonly SourceFile[] | undefined): void {
    this.#state = state;
    this.options.onState(state, files);
  }
}
