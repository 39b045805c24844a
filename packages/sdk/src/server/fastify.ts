import { MeshError } from '@inmesh/core';
import type { FastifyError, FastifyPluginCallback, FastifyRequest } from 'fastify';
import { bodyType, reasonHeader, statusOf } from './answer-error.js';
import type { RequestMesh } from './request-mesh.js';
import { keepOnly } from './request-target.js';
import { internalsOf, serveInbound, type WithInternals } from './serve-inbound.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; undefined before the plugin's own hook. */
    readonly mesh: RequestMesh | undefined;
  }
}

/**
 * Puts every route in the mesh's context, and words Fastify's own answer to a MeshError (also inside fetch's TypeError) as
 * the other adapters do. `app.register(fastifyPlugin, { mesh })`, for Fastify 5.
 *
 * A user's error handler (`setErrorHandler`, or a route's) comes first and is given the error as it was thrown, with
 * `statusCode`; the wording is for errors that it passes on, or that meet no handler.
 */
export const fastifyPlugin: FastifyPluginCallback<{ mesh: WithInternals }> = (app, { mesh }, ready) => {
  const serve = serveInbound(internalsOf(mesh, 'fastifyPlugin'));
  const failed = new WeakMap<FastifyRequest, MeshError>();

  app.decorateRequest('mesh', {
    getter(): RequestMesh | undefined {
      return (this as FastifyRequest).raw.mesh;
    },
  });
  app.addHook('onRequest', (request, reply, done) => {
    const { raw, query } = request;
    const { url } = raw;
    const run = () => {
      if (raw.url !== url) keepOnly(query, raw.url ?? '');
      done();
    };
    serve(raw, reply.raw, { run, isRouted: true, fail: (error) => done(error as FastifyError) });
  });
  app.addHook('onError', (request, _reply, error, done) => {
    const meshError = MeshError.find(error);
    if (meshError !== undefined) {
      failed.set(request, meshError);
      markForDefaultHandler(error, meshError);
    }
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    const error = failed.get(request);
    if (error === undefined || reply.getHeader(reasonHeader) === undefined) return done(null, payload);
    reply.type(bodyType).removeHeader('content-length');
    return done(null, error.toBody());
  });
  ready();
};

/**
 * Fastify's own error handler, and no other, copies `headers` and `statusCode` of an error to the answer. The header is at
 * once part of the answer and the sign that nobody else has answered.
 */
function markForDefaultHandler(error: Error, meshError: MeshError): void {
  Reflect.defineProperty(error, 'headers', { value: { [reasonHeader]: meshError.reason }, configurable: true });
  if (error !== meshError)
    Reflect.defineProperty(error, 'statusCode', { value: statusOf(meshError), configurable: true });
}

// What fastify-plugin does: hooks are for the application that registers this, not for the plugin's own scope.
Object.assign(fastifyPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'inmesh',
  [Symbol.for('plugin-meta')]: { name: 'inmesh', fastify: '5.x' },
});
