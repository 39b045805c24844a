import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { type ClusterInit, clusterMessage, problemsOf } from '../../test/fixtures.js';
import { ClusterHttpProtocolOptionsSchema, HeaderMatcherSchema } from '../messages.js';
import { decodeCluster } from './decode-cluster.js';

type Matcher = MessageInitShape<typeof HeaderMatcherSchema>;

const message = (no: number, ...contents: Uint8Array[]) => {
  const writer = new BinaryWriter();
  for (const content of contents) writer.tag(no, 2).bytes(content);
  return writer.finish();
};

const headers = (...matchers: Matcher[]) =>
  message(7, message(1, ...matchers.map((init) => toBinary(HeaderMatcherSchema, create(HeaderMatcherSchema, init)))));

const status = (specifier: Exclude<Matcher, { $typeName: string }>['headerMatchSpecifier']): Matcher => ({
  name: ':status',
  headerMatchSpecifier: specifier!,
});

const exact = (value: string) => headers(status({ case: 'exactMatch', value }));
const range = (start: bigint, end: bigint) => headers(status({ case: 'rangeMatch', value: { start, end } }));
const any = (...rules: Uint8Array[]) => message(1, message(1, ...rules));

const optionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const withMatcher = (predicate: Uint8Array): ClusterInit => {
  const packed = anyPack(ClusterHttpProtocolOptionsSchema, create(ClusterHttpProtocolOptionsSchema));
  const value = message(8, message(1, predicate));
  const typed: MessageInitShape<typeof AnySchema> = { ...packed, value };
  return { typedExtensionProtocolOptions: { [optionsName]: typed } };
};

const statusesOf = (init: ClusterInit) => {
  const result = decodeCluster(clusterMessage('c', { outlierDetection: {}, ...init }));
  if (!result.ok) return problemsOf(result);
  return result.value.outlierDetection?.errorStatuses ?? result.warnings.map(({ path }) => path);
};

describe('the statuses that count against an endpoint', () => {
  it('are those of 500 to 599 unless a cluster says otherwise', () => {
    expect(statusesOf({})).toEqual([]);
  });

  it.each<[string, Uint8Array, number[]]>([
    ['one', exact('503'), [503]],
    ['one of several', any(exact('429'), exact('503')), [429, 503]],
    ['a range', range(598n, 1000n), [598, 599]],
    ['one and a range', any(exact('404'), range(500n, 502n)), [404, 500, 501]],
    ['all of two', message(2, message(1, range(400n, 405n), range(403n, 600n))), [403, 404]],
    ['all but some', message(3, range(102n, 600n)), [100, 101]],
    ['those that begin alike', headers(status({ case: 'prefixMatch', value: '59' })), range59()],
    ['a regular expression', headers(status({ case: 'safeRegexMatch', value: { regex: '40[13]' } })), [401, 403]],
    [
      'both headers of two',
      headers(status({ case: 'prefixMatch', value: '59' }), status({ case: 'suffixMatch', value: '9' })),
      [599],
    ],
  ])('are those that an error matcher matches: %s', (_, predicate, expected) => {
    expect(statusesOf(withMatcher(predicate))).toEqual(expected);
  });

  const path = 'typed_extension_protocol_options.outlier_detection.error_matcher';

  it('are not told by other headers or by the request', () => {
    expect(statusesOf(withMatcher(headers({ name: 'x-error' })))).toEqual([path]);
    expect(statusesOf(withMatcher(any(exact('503'), message(5, new Uint8Array()))))).toEqual([path]);
  });

  it('are refused when the matcher is broken', () => {
    expect(statusesOf(withMatcher(message(7, Uint8Array.of(0x0a, 0x7f))))).toEqual([
      expect.stringContaining(`${path}: malformed protobuf`),
    ]);
  });

  it('may stand in the metadata', () => {
    const metadata = (statuses: unknown) => ({
      metadata: { filterMetadata: { inmesh: { outlier_error_statuses: statuses as number[] } } },
    });
    expect(statusesOf(metadata([500, 429]))).toEqual([500, 429]);
    expect(statusesOf({ ...metadata([500]), ...withMatcher(exact('503')) })).toEqual([503]);
    const problem =
      'metadata.filter_metadata["inmesh"].outlier_error_statuses: should be a list of statuses, 100 to 599';
    expect([statusesOf(metadata([600])), statusesOf(metadata('500'))]).toEqual([[problem], [problem]]);
  });
});

function range59(): number[] {
  return Array.from({ length: 10 }, (_, index) => 590 + index);
}
