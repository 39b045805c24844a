import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHeaderValue } from './header-value-template.js';

const text = (value: string) => ({ kind: 'text', text: value });

describe('the value of a header', () => {
  it.each([
    ['', []],
    ['plain', [text('plain')]],
    ['100%%', [text('100%')]],
    ['a%%b%UPSTREAM_HOST%c', [text('a%b'), { kind: 'upstreamHost' }, text('c')]],
    [
      '%REQ(:AUTHORITY)%-%RESP(X-A?X-B):12%',
      [
        { kind: 'requestHeader', name: ':authority', alternative: undefined, maxLength: undefined },
        text('-'),
        { kind: 'responseHeader', name: 'x-a', alternative: 'x-b', maxLength: 12 },
      ],
    ],
  ])('is split at its commands: %s', (written, parts) => {
    expect(parseHeaderValue(written)).toEqual(parts);
  });

  it.each([
    ['UPSTREAM_HOST', 'upstreamHost'],
    ['UPSTREAM_CLUSTER', 'upstreamCluster'],
    ['ROUTE_NAME', 'routeName'],
    ['PROTOCOL', 'protocol'],
    ['RESPONSE_CODE', 'responseCode'],
    ['RESPONSE_FLAGS', 'responseFlags'],
    ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'sourceAddress'],
    ['HOSTNAME', 'hostname'],
  ])('knows %s', (command, kind) => {
    expect(parseHeaderValue(`%${command}%`)).toEqual([{ kind }]);
  });

  it.each([
    ['%START_TIME%', 'command "%START_TIME%" is not supported'],
    ['%REQ(a):x%', 'command "%REQ(a):x%" is not supported'],
    ['%REQ%', 'command "%REQ%" is not supported'],
    ['%REQ()%', 'should name one header'],
    ['%REQ(a?b?c)%', 'should name one header'],
    ['50%', '"%" begins a command that does not end'],
    ['a%REQ(b)', '"%REQ(b)" begins a command that does not end'],
  ])('says what is wrong with %s', (written, problem) => {
    expect(parseHeaderValue(written)).toContain(problem);
  });

  it('keeps any text once its % are doubled', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        expect(parseHeaderValue(value.replaceAll('%', '%%'))).toEqual([text(value)]);
      }),
    );
  });
});
