import { describe, expect, it } from 'vitest';
import { issuesOf, load, service } from '../../test/support.js';

function limits(...lines: string[]): string {
  return `---\nlimits:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
}

const shop = service('shop', 80, 81) + service('cart', 80);

/** What each route of a listener is limited by. */
function keysOf(text: string, listener: string): string[][] {
  const routes = load(shop + text).resources.routes.get(`${listener}.default.svc.cluster.local:80`);
  const all = routes?.virtualHosts.flatMap((host) => host.routes) ?? [];
  return all.map((route) => Object.keys(route.typedPerFilterConfig));
}

describe('A limit', () => {
  it('without a destination stands on the routes of every host, under one name', () => {
    const text = limits('{ requests: 500, per: 1s }');
    expect(keysOf(text, 'shop')).toEqual([['inmesh.rate_limit.inbound.mesh.* 500/1s']]);
    expect(keysOf(text, 'cart')).toEqual(keysOf(text, 'shop'));
  });

  it('stands on the routes of its destination alone', () => {
    const text = limits('{ destination: shop, requests: 1, per: 5s, side: outbound, scope: process, name: rare }');
    expect(keysOf(text, 'shop')).toEqual([['inmesh.rate_limit.outbound.process.rare']]);
    expect(keysOf(text, 'cart')).toEqual([[]]);
  });

  it('is named after what it says, so that no two of a host count together by mistake', () => {
    const text = limits(
      '{ destination: shop, requests: 1, per: 5s }',
      '{ destination: shop, requests: 1, per: 5s, sourceAddress: 10.0.0.1, method: GET, path: /a, headers: { b: c } }',
    );
    expect(keysOf(text, 'shop')).toEqual([
      [
        'inmesh.rate_limit.inbound.mesh.shop.default.svc.cluster.local 1/5s',
        'inmesh.rate_limit.inbound.mesh.shop.default.svc.cluster.local 1/5s sourceAddress=10.0.0.1 method=GET path=/a b=c',
      ],
    ]);
  });
});

describe('A mistake in a limit', () => {
  it.each([
    ['{ request: 1, per: 1s }', 'did you mean "requests"?'],
    ['{ requests: 1 }', 'limits[0].per: is missing'],
    ['{ requests: 0, per: 1s }', '0 is not between 1 and 4294967294'],
    ['{ requests: 1.5, per: 1s }', '1.5 is not a whole number'],
    ['{ requests: 1, per: 5 }', 'did you mean 5s?'],
    ['{ requests: 1, per: 0s }', 'must be more than zero'],
    ['{ requests: 1, per: 1s, sourceAddress: 10.0.0.0/8 }', 'is not one IP address'],
    ['{ requests: 1, per: 1s, method: get }', 'is not a method in upper case'],
    ['{ requests: 1, per: 1s, path: a }', 'does not begin with "/"'],
    ['{ requests: 1, per: 1s, headers: { "a b": c } }', 'is not the name of an HTTP header'],
    ['{ requests: 1, per: 1s, name: "a b" }', 'may have letters, digits'],
    ['{ requests: 1, per: 1s, side: server }', 'is none of inbound, outbound'],
    ['{ requests: 1, per: 1s, scope: meshh }', 'did you mean "mesh"?'],
    ['5', 'should be a mapping'],
  ])('is found: %s', (line, expected) => {
    const issue = issuesOf(shop + limits(line)).find((text) => text.includes(expected));
    expect(issue).toMatch(/^a\.yaml:13:\d+: error: limits a\.yaml:12: limits\[0\]/);
  });

  it('in the host is a warning that names the near one', () => {
    const [issue] = issuesOf(shop + limits('{ destination: shopp, requests: 1, per: 1s }'));
    expect(issue).toContain('warning');
    expect(issue).toContain('the limit applies to no call');
    expect(issue).toContain('did you mean "shop.default.svc.cluster.local"?');
  });

  it('is a second limit of one name, in whatever file', () => {
    const line = '{ requests: 1, per: 1s, name: one }';
    const issues = issuesOf(shop + limits(line), limits('{ requests: 2, per: 1s, name: one }'));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain('there is already a limit "one" in limits');
  });

  it('is something else beside the list', () => {
    const [issue] = issuesOf(`${limits('{ requests: 1, per: 1s }')}limit: 3\n`);
    expect(issue).toContain('is not a field of this API');
  });

  it('is an empty value in the place of the list', () => {
    expect(issuesOf('limits:\n')[0]).toContain('limits: is missing');
  });
});
