import { MeshError } from '@inmesh/core';

export function metricNameTaken(name: string): MeshError {
  return new MeshError('invalid_request', {
    message: `prometheus: the registry has another metric named ${name}`,
    hint: 'give the mesh a registry of its own, and merge the two when serving them',
  });
}
