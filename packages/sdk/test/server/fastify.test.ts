import { MeshError } from '@inmesh/core';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentInbound } from '../../src/server/current-call.js';
import { fastifyPlugin } from '../../src/server/fastify.js';
import { type TestInternals, testInternals } from './internals.js';
import { RecordingTelemetry } from './recording-telemetry.js';

let telemetry: RecordingTelemetry;
let internals: TestInternals;
let app: FastifyInstance;

beforeEach(() => {
  telemetry = new RecordingTelemetry();
  internals = testInternals({ telemetry: [telemetry] });
});

afterEach(() => app.close());

function newApp(options: FastifyServerOptions = {}): FastifyInstance {
  app = fastify(options);
  app.register(fastifyPlugin, { mesh: { internals } });
  return app;
}

const overflow = () => new MeshError('upstream_overflow', { message: 'too many requests' });
const wrapped = () => new TypeError('fetch failed', { cause: overflow() });
const text = 'upstream_overflow (UO): too many requests';

describe('fastify.inject', () => {
  it('is served like a request from outside', async () => {
    newApp().post('/a', async () => currentInbound()?.path);
    const answer = await app.inject({ method: 'POST', url: '/a?b=c', payload: { some: 'body' } });
    expect(answer.body).toBe('/a?b=c');
    expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 200, error: undefined }]);
  });

  it('gets our answer to a MeshError', async () => {
    newApp().get('/', async () => {
      throw wrapped();
    });
    const answer = await app.inject('/');
    expect(answer).toMatchObject({ statusCode: 503, body: text });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'x-inmesh-reason': 'upstream_overflow',
    });
  });
});

it('every hook after the plugin sees the context', async () => {
  const seen: string[] = [];
  const look = (hook: string) => async () => {
    seen.push(`${hook} ${currentInbound()?.path}`);
  };
  newApp();
  app.addHook('onRequest', look('onRequest'));
  app.addHook('preParsing', look('preParsing'));
  app.addHook('preValidation', look('preValidation'));
  app.addHook('preHandler', look('preHandler'));
  app.addHook('onSend', look('onSend'));
  app.post('/', async () => 'ok');
  await app.inject({ method: 'POST', url: '/', payload: { some: 'body' } });
  expect(seen).toEqual(['onRequest /', 'preParsing /', 'preValidation /', 'preHandler /', 'onSend /']);
});

it('a path that was rewritten is told as the client sent it', async () => {
  newApp({ rewriteUrl: () => '/new' }).get('/new', async () => currentInbound()?.path);
  expect((await app.inject('/old')).body).toBe('/old');
});

it('routes in a scope of their own, and answers to no route, are in the mesh too', async () => {
  newApp().register(async (scope) => {
    scope.get('/scoped', async () => currentInbound()?.path);
  });
  expect((await app.inject('/scoped')).body).toBe('/scoped');
  expect((await app.inject('/none')).statusCode).toBe(404);
  expect((await telemetry.untilEnded(2)).map(({ httpStatus }) => httpStatus)).toEqual([200, 404]);
});

it('a MeshError thrown by a hook gets our answer', async () => {
  newApp().addHook('preHandler', async () => {
    throw overflow();
  });
  app.get('/', async () => 'ok');
  expect(await app.inject('/')).toMatchObject({ statusCode: 503, body: text });
});

describe("a user's own error handler", () => {
  it.each(['before', 'after'])('that is set %s the plugin has been loaded answers alone', async (when) => {
    newApp({ allowErrorHandlerOverride: false });
    if (when === 'after') await app.after();
    app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
      reply.code(418).send({ mine: MeshError.find(error)?.reason, status: error.statusCode }),
    );
    app.get('/', async () => {
      throw wrapped();
    });
    const answer = await app.inject('/');
    expect(answer.statusCode).toBe(418);
    expect(answer.json()).toEqual({ mine: 'upstream_overflow', status: 503 });
    expect(answer.headers).not.toHaveProperty('x-inmesh-reason');
  });

  it('of one route answers alone', async () => {
    newApp().get('/', { errorHandler: (_error, _request, reply) => reply.send('mine') }, async () => {
      throw overflow();
    });
    expect((await app.inject('/')).body).toBe('mine');
  });

  it('that passes the error on gets our answer', async () => {
    newApp().setErrorHandler((error, _request, reply) => reply.send(error));
    app.get('/', async () => {
      throw overflow();
    });
    expect(await app.inject('/')).toMatchObject({ statusCode: 503, body: text });
  });

  it('that fails is answered by Fastify for its own error', async () => {
    newApp().setErrorHandler(() => {
      throw new Error('the handler failed');
    });
    app.get('/', async () => {
      throw overflow();
    });
    const answer = await app.inject('/');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ message: 'the handler failed' });
  });
});
