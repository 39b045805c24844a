import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import { pickUntried } from '../load-balancer/pick-untried.js';
import type { Cluster } from '../model/cluster.js';
import type { ResourceProblem } from '../model/problem.js';
import { describeProblem, problemHint, problemWithEndpoints } from '../resource-problems.js';
import { send } from '../send.js';
import type { Filter } from '../service.js';

/** Picks the endpoint of an attempt, away from those tried before, and counts it in flight until its body has ended. */
export const loadBalanceFilter: Filter = (next) => (call) => {
  const endpoint = pick(call) ?? pickFromNewest(call);
  if (endpoint === undefined) return Promise.reject(noHealthyUpstream(call));
  call.endpoint = endpoint;
  const state = endpoint.state;
  state.inFlight += 1;
  return send(next, call).then(
    (reply) => {
      reply.onFinish(() => {
        state.inFlight -= 1;
      });
      return reply;
    },
    (error) => {
      state.inFlight -= 1;
      throw error;
    },
  );
};

function pick(call: Call) {
  const balancer = call.cluster!.loadBalancer;
  if (call.triedEndpoints === undefined) return balancer.pick(call);
  return pickUntried(balancer, call, call.action?.retry?.hostSelectionAttempts ?? 1);
}

/** A call keeps its snapshot, but all the endpoints that it lists may have been replaced before a retry. */
function pickFromNewest(call: Call) {
  const { newest } = call.cluster!.state;
  if (newest === undefined || newest === call.cluster) return undefined;
  call.cluster = newest;
  return pick(call);
}

function noHealthyUpstream(call: Call): MeshError {
  const { cluster, endpoints } = call.cluster!;
  const problem = endpoints.length === 0 ? problemWithEndpoints(call.snapshot, cluster) : undefined;
  return new MeshError('no_healthy_upstream', {
    message:
      endpoints.length === 0 ? emptyMessage(cluster, problem) : `none of ${endpoints.length} endpoints is healthy`,
    cluster: cluster.name,
    hint: problem === undefined ? hintFor(cluster) : problemHint,
  });
}

function emptyMessage({ discovery }: Cluster, problem: ResourceProblem | undefined): string {
  if (problem !== undefined) return describeProblem(problem);
  if (discovery.kind !== 'dns') return 'the cluster has no endpoints';
  return `DNS gave no address for ${discovery.hosts.map((host) => host.hostname).join(', ')}`;
}

function hintFor({ discovery }: Cluster): string {
  return discovery.kind === 'dns'
    ? 'the configuration does not list its endpoints: is the name right, and is its Service in the configuration?'
    : 'check that its pods are ready and that the subset labels select some';
}
