import { type ClientView, ConfigSet, formatIssue, type SourceFile } from '@inmesh/config';
import { type FolderWatch, watchFolder } from '@inmesh/config/folder';
import type { MeshResources } from '@inmesh/core';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import type { Logger } from '../logger.js';
import type { ConfigSource } from './source.js';

/** Configuration from YAML files with no server: the same translation that the server does, in the process itself. */
export class FolderSource implements ConfigSource {
  readonly description: string;
  problem: string | undefined = 'the files have not been read yet';
  readonly #config: ConfigSet;
  #watch: FolderWatch | undefined;
  #refused: readonly string[] = [];

  constructor(
    private readonly paths: readonly string[],
    private readonly options: { clusterDomain: string; namespace: string; client: ClientView; logger: Logger },
  ) {
    this.description = `files ${paths.join(', ')}`;
    const { clusterDomain, namespace, client } = options;
    this.#config = new ConfigSet({ clusterDomain, defaultNamespace: namespace, client });
  }

  start(deliver: (resources: MeshResources) => void): void {
    this.#watch = watchFolder(this.paths, {
      onFiles: (files) => this.#update(files, deliver),
      onError: (error) => {
        this.problem = error.message;
        this.options.logger.error('the configuration cannot be read', { error: error.message });
      },
    });
  }

  close(): void {
    this.#watch?.close();
  }

  #update(files: readonly SourceFile[], deliver: (resources: MeshResources) => void): void {
    const { logger } = this.options;
    const { config, issues, refused } = this.#config.update(files);
    for (const issue of issues) logger[issue.severity === 'error' ? 'error' : 'warn'](formatIssue(issue));
    this.problem =
      refused.length === 0
        ? undefined
        : issues
            .filter((i) => i.severity === 'error')
            .map(formatIssue)
            .join('\n');
    this.#sayAccepted(refused);
    if (config === undefined) return;
    const { resources, errors } = decodeResources(config.resources);
    for (const error of errors) logger.error(formatResourceError(error));
    deliver(resources);
  }

  /** A mistake was said; that it is gone has to be said, too. */
  #sayAccepted(refused: readonly string[]): void {
    for (const path of this.#refused) {
      if (!refused.includes(path)) this.options.logger.info(`${path} is accepted again`);
    }
    this.#refused = refused;
  }
}
