import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancer } from './load-balancer.js';
import { scanFrom } from './scan.js';

/** Any endpoint, each as likely; weights are ignored, as in Envoy. */
export class RandomChoice implements LoadBalancer {
  constructor(
    private readonly endpoints: readonly EndpointView[],
    private readonly random: Random,
  ) {}

  pick(): EndpointView | undefined {
    const index = scanFrom(this.endpoints, Math.floor(this.random() * this.endpoints.length));
    return index < 0 ? undefined : this.endpoints[index];
  }
}
