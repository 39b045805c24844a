import type { KubernetesClient } from '../../kubernetes/client/client.js';
import type { KubernetesObject, ResourceType } from '../../kubernetes/client/objects.js';

type Reader = Pick<KubernetesClient, 'list' | 'watch' | 'serves'>;

/**
 * Reads a kind in the first of these versions that the API server has, since an older Istio has no `v1`. Which one it is,
 * is asked for when the one from before is not there.
 */
export class AnyVersion implements Reader {
  #version: string;

  constructor(
    private readonly client: Reader,
    private readonly versions: readonly [string, ...string[]],
  ) {
    this.#version = versions[0];
  }

  async list<T extends KubernetesObject>(type: ResourceType, selection?: Parameters<Reader['list']>[1]) {
    return await this.client.list<T>(this.#of(type), selection);
  }

  async watch<T extends KubernetesObject>(type: ResourceType, from: Parameters<Reader['watch']>[1]) {
    return await this.client.watch<T>(this.#of(type), from);
  }

  async serves(type: ResourceType, signal?: AbortSignal): Promise<boolean> {
    for (const version of this.versions) {
      if (!(await this.client.serves({ ...type, version }, signal))) continue;
      this.#version = version;
      return true;
    }
    return false;
  }

  #of(type: ResourceType): ResourceType {
    return { ...type, version: this.#version };
  }
}
