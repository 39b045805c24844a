import { decodeResources, formatResourceError } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { decideBy, type Incoming } from '../test/inbound-support.js';
import { ConfigSet } from './config-set.js';
import type { SourceFile } from './source-file.js';

interface Given {
  readonly name?: string;
  readonly namespace?: string;
  readonly metadata?: object;
}

function object(
  kind: string,
  spec: unknown,
  { name = 'a', namespace = 'default', metadata = {} }: Given = {},
): SourceFile {
  const written = { apiVersion: 'security.istio.io/v1', kind, metadata: { name, namespace, ...metadata }, spec };
  return { path: `${kind}/${namespace}/${name}`, text: JSON.stringify(written), object: written };
}

const authorization = (spec: unknown, more?: Given) => object('AuthorizationPolicy', spec, more);
const tokens = (spec: unknown, more?: Given) => object('RequestAuthentication', spec, more);
const peers = (spec: unknown, more?: Given) => object('PeerAuthentication', spec, more);

const allowAll = authorization({ rules: [{}] }, { name: 'allow-all' });
const future = { jwtRules: [{ issuer: 'https://i.example', jwks: '{"keys":[]}', future: 1 }] };

/** What becomes of a request to the workload `web` of a namespace, once the objects have come in this order. */
function decide(files: readonly SourceFile[], incoming: Incoming = {}, namespace = 'default', before?: SourceFile[]) {
  const set = new ConfigSet({ client: { namespace, labels: { app: 'web' } } });
  if (before !== undefined) set.update(before);
  const { config } = set.update(files);
  const { resources, errors } = decodeResources(config!.resources);
  expect(errors.map(formatResourceError)).toEqual([]);
  return decideBy(resources.inbound, incoming);
}

const refused = 'ns[default]-policy[a]-rule[0]';

describe('An AuthorizationPolicy that was never right refuses every request where it stands', () => {
  const [web, other] = [{ matchLabels: { app: 'web' } }, { matchLabels: { app: 'other' } }];
  it.each<[string, unknown]>([
    ['to allow', { rules: [{ from: 'all' }] }],
    ['to refuse', { action: 'DENY', rules: [{ to: [{ operation: { future: ['/admin'] } }] }] }],
    ['of an action that nobody knows', { action: 'FUTURE', rules: [{}] }],
    ['of CUSTOM that cannot be read', { action: 'CUSTOM', provider: { name: 'p', future: 1 }, rules: 'all' }],
    ['without a spec that is one', 'all'],
    // With its dots quoted it is longer than an expression may be.
    [
      'that no client could read',
      { action: 'DENY', rules: [{ from: [{ source: { principals: [`*${'.'.repeat(2047)}`] } }] }] },
    ],
    ['for this workload', { action: 'DENY', selector: web, rules: 'all' }],
    ['with a selector that cannot be read', { selector: { ...other, matchExpressions: [] }, rules: [{}] }],
  ])('beside others that allow: one %s', (_, spec) => {
    expect(decide([authorization(spec), allowAll])).toBe(refused);
    expect(decide([authorization(spec)])).toBe(refused);
  });

  it.each<[string, SourceFile]>([
    ['another workload', authorization({ action: 'DENY', selector: other, rules: 'all' })],
    ['another namespace', authorization({ rules: 'all' }, { namespace: 'shop' })],
    ['the log', authorization({ action: 'AUDIT', rules: 'all' })],
    ['a trial', authorization({ rules: 'all' }, { metadata: { annotations: { 'istio.io/dry-run': 'true' } } })],
    ['a waypoint', authorization({ targetRefs: [{ group: '', kind: 'Service', name: 'a' }], rules: [{}] })],
  ])('and none beyond: one for %s', (_, policy) => {
    expect(decide([policy, allowAll])).toBe('pass');
  });

  it('of the root namespace: in the whole mesh', () => {
    const root = authorization({ action: 'DENY', rules: 'all' }, { namespace: 'istio-system' });
    expect(decide([root, allowAll], {}, 'shop')).toBe('ns[istio-system]-policy[a]-rule[0]');
  });

  it('that asks somebody whom nobody knows: those requests that it asks about', () => {
    const rules = [{ to: [{ operation: { paths: ['/admin'] } }] }];
    const policy = authorization({ action: 'CUSTOM', provider: { name: 'nobody' }, rules });
    expect(decide([policy, allowAll], { path: '/admin' })).toBe(refused);
    expect(decide([policy, allowAll])).toBe('pass');
  });

  it('and one that was right stays as it was', () => {
    const good = authorization({ action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin'] } }] }] });
    const files = [authorization({ action: 'DENY', rules: 'all' }), allowAll];
    expect(decide(files, { path: '/admin' }, 'default', [good, allowAll])).toBe(refused);
    expect(decide(files, {}, 'default', [good, allowAll])).toBe('pass');
  });

  it('until it is right', () => {
    const set = new ConfigSet();
    const listener = (policy: SourceFile) => set.update([policy]).config?.resources.listeners.get('virtualInbound');
    const nothing = listener(authorization({ rules: 'all' }));
    expect(listener(authorization({ rules: [{}] }))).not.toEqual(nothing);
    expect(set.update([authorization({ rules: [{}] })]).refused).toEqual([]);
  });
});

describe('A RequestAuthentication that was never right', () => {
  it('refuses every request where it stands, since nobody would look at tokens', () => {
    const refusedTokens = 'ns[default]-policy[a.refused-request-authentication]-rule[0]';
    expect(decide([tokens(future), allowAll])).toBe(refusedTokens);
    // The same name is taken by a policy of another kind.
    expect(decide([tokens(future), authorization({ rules: [{}] })])).toBe(refusedTokens);
    expect(decide([tokens({ ...future, selector: { matchLabels: { app: 'other' } } }), allowAll])).toBe('pass');
    expect(decide([tokens({ ...future, selector: { matchLabels: 'all' } }), allowAll])).toBe(refusedTokens);
  });

  it('leaves the last good one in use', () => {
    const good = { jwtRules: [{ issuer: 'https://i.example', jwks: '{"keys":[]}' }] };
    expect(decide([tokens(future), allowAll], {}, 'default', [tokens(good), allowAll])).toBe('pass');
  });
});

describe('A PeerAuthentication that was never right takes nobody in plain text', () => {
  const plaintext: Incoming = { from: null };
  const broken = { mode: 'STRICTEST' };

  it('where it stands', () => {
    expect(decide([peers({ mtls: broken })], plaintext)).toBe('closed');
    expect(decide([peers({ mtls: broken })])).toBe('pass');
    const selecting = (app: string) => peers({ selector: { matchLabels: { app } }, mtls: broken });
    expect(decide([selecting('web')], plaintext)).toBe('closed');
    expect(decide([selecting('other')], plaintext)).toBe('pass');
  });

  it('in its whole namespace where its selector cannot be read, whatever that says for all', () => {
    const older = { name: 'older', metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } };
    const files = [
      peers({ selector: { matchLabels: 'all' }, mtls: { mode: 'STRICT' } }),
      peers({ mtls: { mode: 'DISABLE' } }, older),
    ];
    expect(decide(files, plaintext)).toBe('closed');
  });
});
