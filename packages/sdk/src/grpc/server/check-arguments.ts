import type { Server } from '@grpc/grpc-js';
import { MeshError } from '@inmesh/core';
import { unknownOptions } from '../../unknown-options.js';

/** A server of any copy of grpc-js. @throws MeshError `invalid_request` */
export function requireServer(method: string, server: Server): void {
  const { register, tryShutdown, forceShutdown } = (server ?? {}) as Partial<Server>;
  if ([register, tryShutdown, forceShutdown].every((part) => typeof part === 'function')) return;
  throw new MeshError('invalid_request', {
    message: `mesh.grpc.${method}: the first argument is no Server of @grpc/grpc-js`,
    hint: `give the server, as in mesh.grpc.${method}(server)`,
  });
}

/** @throws MeshError `invalid_request` */
export function requireNames(services: readonly string[]): void {
  if (Array.isArray(services) && services.every((name) => typeof name === 'string')) return;
  throw new MeshError('invalid_request', {
    message: 'mesh.grpc.addHealth: the second argument is no list of names',
    hint: 'give full names of services, as in mesh.grpc.addHealth(server, ["shop.Reviews"])',
  });
}

/** @throws MeshError `invalid_request` that names each option that there is not */
export function requireOptions(method: string, options: object, known: readonly string[]): void {
  const isObject = typeof options === 'object' && options !== null;
  const problems = isObject ? unknownOptions(options, known) : [`not an object, as in { ${known[0]}: … }`];
  if (problems.length === 0) return;
  throw new MeshError('invalid_request', { message: `options of mesh.grpc.${method}: ${problems.join('; ')}` });
}
