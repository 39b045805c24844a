import {
  type ClientView,
  ConfigSet,
  formatIssue,
  type LoadedConfig,
  type SourceFile,
  unlabelledProblem,
} from '@inmesh/config';
import { type FolderWatch, watchFolder } from '@inmesh/config/folder';
import type { MeshResources } from '@inmesh/core';
import { decodeResources, formatResourceError, isInboundName, type ResourceSet, secretContent } from '@inmesh/xds';
import type { IdentitySource } from '../identity/identity.js';
import { NamedSecrets } from '../identity/named-secrets.js';
import type { Logger } from '../logger.js';
import type { ConfigSource } from './source.js';

export interface FolderOptions {
  readonly clusterDomain: string;
  readonly namespace: string;
  readonly rootNamespace: string | undefined;
  /** Default: that of the identity. */
  readonly trustDomain: string | undefined;
  readonly identity: IdentitySource | undefined;
  readonly client: ClientView;
  readonly logger: Logger;
}

/** Configuration from YAML files with no server: the same translation that the server does, in the process itself. */
export class FolderSource implements ConfigSource {
  readonly description: string;
  readonly secrets = new NamedSecrets();
  problem: string | undefined = 'the files have not been read yet';
  #config: ConfigSet;
  #trustDomain: string | undefined;
  #files: readonly SourceFile[] | undefined;
  #watch: FolderWatch | undefined;
  #stopFollowing = () => {};
  #refused: readonly string[] = [];
  #saidUnlabelled = false;

  constructor(
    private readonly paths: readonly string[],
    private readonly options: FolderOptions,
  ) {
    this.description = `files ${paths.join(', ')}`;
    this.#trustDomain = trustDomainOf(options);
    this.#config = this.#newConfig();
  }

  start(deliver: (resources: MeshResources) => void): void {
    const stop = this.options.identity?.onChange(() => this.#followIdentity(deliver));
    if (stop !== undefined) this.#stopFollowing = stop;
    this.#watch = watchFolder(this.paths, {
      onFiles: (files) => this.#update(files, deliver),
      onError: (error) => {
        this.problem = error.message;
        this.options.logger.error('the configuration cannot be read', { error: error.message });
      },
    });
  }

  close(): void {
    this.#stopFollowing();
    this.#watch?.close();
  }

  #newConfig(): ConfigSet {
    const { clusterDomain, namespace, rootNamespace, client } = this.options;
    const trustDomain = this.#trustDomain;
    return new ConfigSet({ clusterDomain, defaultNamespace: namespace, rootNamespace, trustDomain, client });
  }

  /** The identity may come after the files: then what they say of identities is read anew. */
  #followIdentity(deliver: (resources: MeshResources) => void): void {
    const trustDomain = trustDomainOf(this.options);
    if (trustDomain === this.#trustDomain) return;
    this.#trustDomain = trustDomain;
    this.#config = this.#newConfig();
    if (this.#files !== undefined) this.#update(this.#files, deliver);
  }

  #update(files: readonly SourceFile[], deliver: (resources: MeshResources) => void): void {
    const { logger } = this.options;
    this.#files = files;
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
    const unread = errors.filter(({ name }) => isInboundName(name)).map(formatResourceError);
    if (unread.length > 0) {
      // What is demanded of callers is not known: the last that was known stays, or nobody comes in.
      this.problem = [...(this.problem === undefined ? [] : [this.problem]), ...unread].join('\n');
      return;
    }
    this.#takeSecrets(config.resources.secrets);
    this.#sayUnlabelled(config);
    deliver(resources);
  }

  /** Those that cannot be used are told of when a call needs them: most are for others. */
  #takeSecrets(secrets: ResourceSet['secrets'] = new Map()): void {
    this.secrets.keepOnly(new Set(secrets.keys()));
    for (const [name, secret] of secrets) this.secrets.put(name, () => secretContent(secret));
  }

  /** Once: nothing else would show that policies pass this process by. */
  #sayUnlabelled({ selecting }: LoadedConfig): void {
    const problem = this.#saidUnlabelled ? undefined : unlabelledProblem(selecting, this.options.client);
    if (problem === undefined) return;
    this.#saidUnlabelled = true;
    this.options.logger.warn(problem);
  }

  /** A mistake was said; that it is gone has to be said, too. */
  #sayAccepted(refused: readonly string[]): void {
    for (const path of this.#refused) {
      if (!refused.includes(path)) this.options.logger.info(`${path} is accepted again`);
    }
    this.#refused = refused;
  }
}

function trustDomainOf({ trustDomain, identity }: FolderOptions): string | undefined {
  return trustDomain ?? identity?.current?.certificate?.identity.trustDomain;
}
