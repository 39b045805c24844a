import { toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterMessage, listenerMessage, nestingBomb, routeMessage } from '../../test/fixtures.js';
import { ClusterSchema, RouteConfigurationSchema } from '../messages.js';
import { decodeAny } from './decode-any.js';
import { resourceTypes } from './resource-types.js';
import { resourceKinds, typeUrls } from './type-urls.js';

const clusterBytes = toBinary(ClusterSchema, clusterMessage('reviews'));

describe('decodeAny', () => {
  it('reads a resource of a known type', () => {
    expect(decodeAny(typeUrls.cluster, clusterBytes)).toMatchObject({
      ok: true,
      name: 'reviews',
      value: { name: 'reviews' },
    });
  });

  it('reports a type that it does not know', () => {
    expect(decodeAny('type.googleapis.com/x.Y', clusterBytes)).toMatchObject({
      ok: false,
      name: '',
      errors: [{ message: 'type "type.googleapis.com/x.Y" is unknown' }],
    });
  });

  it('knows the name of a resource that is readable and wrong', () => {
    const bytes = toBinary(ClusterSchema, clusterMessage('bad', { connectTimeout: {} }));
    expect(decodeAny(typeUrls.cluster, bytes)).toMatchObject({ ok: false, name: 'bad' });
  });

  it('reports truncated bytes under the name that they begin with', () => {
    const result = decodeAny(typeUrls.cluster, clusterBytes.subarray(0, clusterBytes.length - 1));
    expect(result).toMatchObject({
      ok: false,
      name: 'reviews',
      errors: [{ message: expect.stringContaining('malformed protobuf') }],
    });
  });

  it('reports a nesting bomb', () => {
    const bomb = nestingBomb();
    const result = decodeAny(typeUrls.cluster, bomb);
    expect(result).toMatchObject({
      ok: false,
      errors: [{ message: expect.stringMatching(/malformed protobuf.*recursion/) }],
    });
  });
});

describe('whatever bytes come, decoding reports and never throws', () => {
  const valid = [
    resourceTypes.listener.write(listenerMessage('l')),
    toBinary(RouteConfigurationSchema, routeMessage('r', 'c')),
    clusterBytes,
  ];

  it.each(resourceKinds)('for random bytes as a %s', (kind) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const result = decodeAny(typeUrls[kind], bytes);
        return result.ok || result.errors.length > 0;
      }),
    );
  });

  it.each(resourceKinds)('for valid bytes with some changed as a %s', (kind) => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...valid), changes, (original, edits) => {
        const bytes = Uint8Array.from(original);
        for (const [position, value] of edits) bytes[position % bytes.length] = value;
        const result = decodeAny(typeUrls[kind], bytes);
        return result.ok || result.errors.length > 0;
      }),
      { numRuns: 500 },
    );
  });
});
