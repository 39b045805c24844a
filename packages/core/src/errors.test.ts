import { describe, expect, it } from 'vitest';
import { MeshError, type MeshErrorReason, meshErrorReasons } from './errors.js';

const rows: Record<MeshErrorReason, readonly [flag: string, httpStatus: number, grpcStatus: number]> = {
  no_route: ['NR', 404, 12],
  no_cluster: ['NC', 503, 14],
  no_healthy_upstream: ['UH', 503, 14],
  upstream_overflow: ['UO', 503, 14],
  upstream_request_timeout: ['UT', 504, 4],
  upstream_per_try_timeout: ['UT', 504, 4],
  stream_idle_timeout: ['SI', 504, 4],
  max_duration_timeout: ['UMSDR', 504, 4],
  deadline_exceeded: ['DT', 504, 4],
  upstream_connection_failure: ['UF', 503, 14],
  upstream_connection_termination: ['UC', 503, 14],
  upstream_reset: ['UR', 503, 14],
  upstream_protocol_error: ['UPE', 502, 13],
  rate_limited: ['RL', 429, 8],
  concurrency_limited: ['UO', 503, 8],
  circuit_open: ['UO', 503, 14],
  fault_injected: ['FI', 503, 14],
  unauthorized: ['UAEX', 403, 7],
  caller_cancelled: ['DC', 499, 1],
  mesh_closed: ['-', 503, 14],
  not_ready: ['-', 503, 14],
  invalid_request: ['DPE', 400, 3],
  internal: ['-', 500, 13],
};

describe('MeshError', () => {
  it.each(Object.keys(meshErrorReasons) as MeshErrorReason[])(
    'answers %s with the flag and statuses of its row',
    (reason) => {
      const error = new MeshError(reason);
      expect([error.flag, error.httpStatus, error.grpcStatus]).toEqual(rows[reason]);
      expect(error.code).toBe(`INMESH_${reason.toUpperCase()}`);
      expect([error.statusCode, error.status]).toEqual([error.httpStatus, error.httpStatus]);
      expect(error.message).toBe(reason.replaceAll('_', ' '));
    },
  );

  it('keeps the details it is given', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new MeshError('fault_injected', { httpStatus: 418, message: 'teapot', maybeSent: true, cause });
    expect(error).toMatchObject({ name: 'MeshError', httpStatus: 418, message: 'teapot', maybeSent: true });
    expect(error.cause).toBe(cause);
    expect(new MeshError('internal')).not.toHaveProperty('cause');
  });

  it('says what happened, where, and what to do', () => {
    const error = new MeshError('no_healthy_upstream', {
      message: 'all are draining',
      cluster: 'reviews',
      endpoint: '10.0.0.1:80',
      attempts: 2,
      hint: 'look at its pods',
    });
    expect(error.toBody()).toBe(
      'no_healthy_upstream (UH): all are draining; cluster reviews; endpoint 10.0.0.1:80; attempts 2; look at its pods',
    );
    expect(new MeshError('no_route').toBody()).toBe('no_route (NR): no route');
  });

  it('adds the flag of exhausted retries to its own', () => {
    const error = new MeshError('upstream_reset');
    error.retriesExhausted = true;
    expect(error.flag).toBe('UR,URX');
  });
});

describe('MeshError.is', () => {
  it('knows an error of another copy of the package by its brand', () => {
    const foreign = Object.defineProperty(new Error(), Symbol.for('inmesh.MeshError'), { value: true });
    expect(foreign).not.toBeInstanceOf(MeshError);
    expect(MeshError.is(foreign)).toBe(true);
    expect(MeshError.is(new MeshError('internal'))).toBe(true);
  });

  it('does not take anything else for one', () => {
    for (const value of [new Error(), undefined, null, 'no_route', 0, {}]) expect(MeshError.is(value)).toBe(false);
  });

  it('keeps the brand out of what is logged and copied', () => {
    expect(Object.getOwnPropertySymbols({ ...new MeshError('internal') })).toEqual([]);
  });
});

describe('MeshError.find and from', () => {
  it('finds the error down a chain of causes', () => {
    const error = new MeshError('no_route');
    const wrapped = new TypeError('fetch failed', { cause: new Error('inner', { cause: error }) });
    expect(MeshError.find(wrapped)).toBe(error);
    expect(MeshError.from(wrapped)).toBe(error);
  });

  it('does not go round a circle of causes for ever', () => {
    const circle = new Error();
    circle.cause = circle;
    expect(MeshError.find(circle)).toBeUndefined();
  });

  it('makes an error of whatever was thrown, with the reason given', () => {
    const cause = new Error('boom');
    expect(MeshError.from(cause)).toMatchObject({ reason: 'internal', message: 'boom', cause });
    expect(MeshError.from('boom', 'upstream_reset')).toMatchObject({ reason: 'upstream_reset', message: 'boom' });
    expect(MeshError.from(undefined)).toMatchObject({ reason: 'internal', message: 'undefined' });
  });
});
