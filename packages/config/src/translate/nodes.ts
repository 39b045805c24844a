import type { Memory } from '../memory.js';
import type { ObjectsByKind } from '../read-objects.js';
import { topologyLabels } from './locality-settings.js';
import { isSameLocality, type Locality, nowhere } from './mesh-service.js';

/** Where the Nodes of the cluster are, by their well-known labels. */
export class NodeIndex {
  readonly #localities = new Map<string, Locality>();

  constructor(
    nodes: ObjectsByKind['Node'],
    private readonly memory: Memory,
  ) {
    for (const { name, metadata } of nodes) {
      const { labels = {} } = metadata;
      const { region: regionLabel, zone: zoneLabel, subZone: subZoneLabel } = topologyLabels;
      const { [regionLabel]: region = '', [zoneLabel]: zone = '', [subZoneLabel]: subZone = '' } = labels;
      this.#localities.set(name, { region, zone, subZone });
    }
  }

  get isEmpty(): boolean {
    return this.#localities.size === 0;
  }

  /** @param zone what is told beside the Node's name, which counts where the Node says nothing else */
  localityOf(name: string | undefined, zone = ''): Locality {
    return this.memory.ask('nodes', (nodes) => nodes.#localityOf(name, zone), isSameLocality);
  }

  #localityOf(name: string | undefined, zone: string): Locality {
    const found = (name === undefined ? undefined : this.#localities.get(name)) ?? nowhere;
    // Of two zones one is wrong, and with it the rest of what the Node says.
    return zone === '' || found.zone === zone ? found : { ...nowhere, zone };
  }
}
