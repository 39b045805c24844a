import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { Permission as PermissionModel } from '@inmesh/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routerFilter } from '../../test/fixtures.js';
import { chain, extAuthz, inboundListener, jwt, meshTls, rbac } from '../../test/inbound-fixtures.js';
import { HttpFilterSchema, HttpRBACSchema, ListenerSchema, type Permission, PermissionSchema } from '../messages.js';
import { decodeBytes } from './decode-any.js';
import { FieldScope } from './field-scope.js';
import { decodeInboundFilters } from './inbound-http-filters.js';

const everyone = { permissions: [{ any: true }], principals: [{ authenticated: { principalName: { exact: 'a' } } }] };

const whole = toBinary(
  ListenerSchema,
  inboundListener([
    chain(
      [
        jwt({ providers: { a: { issuer: 'a', localJwks: { inlineString: '{"keys":[]}' } } } }),
        extAuthz({ grpcService: { envoyGrpc: { clusterName: 'c' } } }),
        rbac({ rules: { action: 'DENY', policies: { p: everyone } } }),
        rbac({ rules: { policies: { q: everyone } } }),
      ],
      { transportSocket: meshTls },
    ),
  ]),
);

describe('an inbound listener in damaged bytes', () => {
  it('never throws, and is read or refused', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.integer({ min: 0, max: whole.length }), (changes, length) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const result = decodeBytes('listener', bytes.subarray(0, length));
        if (!result.ok) expect(result.errors.length).toBeGreaterThan(0);
      }),
    );
  });

  it('is never read from its beginning alone as one that asks for less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        const result = decodeBytes('listener', whole.subarray(0, length));
        if (!result.ok) return;
        const filters = result.value.inbound?.chains.flatMap((one) => one.filters) ?? [];
        // Only fields behind the chains can be missing.
        expect(filters.map(({ kind }) => kind)).toEqual(['jwt', 'externalAuthorization', 'rbac', 'rbac']);
      }),
    );
  });
});

type Tree =
  | { readonly kind: 'any' | 'port' | 'host' | 'unset' | 'metadata' }
  | { readonly kind: 'and' | 'or' | 'not'; readonly of: readonly Tree[] };

/** `unset` and `metadata` are refused. */
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom<Tree>({ kind: 'any' }, { kind: 'port' }, { kind: 'host' }),
    { arbitrary: fc.constantFrom<Tree>({ kind: 'unset' }, { kind: 'metadata' }), weight: 1 },
    fc.record({ kind: fc.constantFrom('and', 'or'), of: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ kind: fc.constant('not'), of: fc.tuple(tie('tree')) }),
  ) as fc.Arbitrary<Tree>,
}));

function messageOf(one: Tree): Permission {
  switch (one.kind) {
    case 'any':
      return create(PermissionSchema, { rule: { case: 'any', value: true } });
    case 'port':
      return create(PermissionSchema, { rule: { case: 'destinationPort', value: 80 } });
    case 'host':
      return create(PermissionSchema, {
        rule: { case: 'requestedServerName', value: { matchPattern: { case: 'exact', value: 'a' } } },
      });
    case 'unset':
      return create(PermissionSchema);
    case 'metadata':
      return create(PermissionSchema, { rule: { case: 'metadata', value: {} } });
    case 'and':
      return create(PermissionSchema, { rule: { case: 'andRules', value: { rules: one.of.map(messageOf) } } });
    case 'or':
      return create(PermissionSchema, { rule: { case: 'orRules', value: { rules: one.of.map(messageOf) } } });
    case 'not':
      return create(PermissionSchema, { rule: { case: 'notRule', value: messageOf(one.of[0]!) } });
  }
}

/** The tree again, from what came out. */
function treeOf(permission: PermissionModel): Tree {
  switch (permission.kind) {
    case 'destinationPort':
      return { kind: 'port' };
    case 'serverName':
      return { kind: 'host' };
    case 'all':
      return { kind: 'and', of: permission.permissions.map(treeOf) };
    case 'oneOf':
      return { kind: 'or', of: permission.permissions.map(treeOf) };
    case 'not':
      return { kind: 'not', of: [treeOf(permission.permission)] };
    default:
      return { kind: 'any' };
  }
}

function hasRefused(one: Tree): boolean {
  if ('of' in one) return one.of.some(hasRefused);
  return one.kind === 'unset' || one.kind === 'metadata';
}

function decodePermissions(permission: Permission) {
  const message = create(HttpRBACSchema, {
    rules: {
      policies: {
        p: { permissions: [permission], principals: [{ identifier: { case: 'any', value: true } }] },
      },
    },
  });
  const value = anyPack(HttpRBACSchema, message);
  const filters = [
    create(HttpFilterSchema, { name: 'rbac', configType: { case: 'typedConfig', value } }),
    create(HttpFilterSchema, routerFilter),
  ];
  return FieldScope.collect((at) => decodeInboundFilters(filters, at));
}

describe('a permission of any shape', () => {
  it('loses no condition, and is refused whole where one is not understood', () => {
    fc.assert(
      fc.property(tree, (one) => {
        const result = decodePermissions(messageOf(one));
        expect(result.ok).toBe(!hasRefused(one));
        if (!result.ok) return;
        const [filter] = result.value;
        const [permission] = (filter?.kind === 'rbac' && filter.rules.policies[0]?.permissions) || [];
        expect(permission && treeOf(permission)).toEqual(one);
      }),
    );
  });

  it('is refused with a field that is newer than ours, wherever it stands', () => {
    fc.assert(
      fc.property(tree, fc.nat(), fc.integer({ min: 100, max: 9999 }), (one, choice, no) => {
        const message = messageOf(one);
        const nodes = [...nodesOf(message)];
        nodes[choice % nodes.length]!.$unknown = [{ no, wireType: 0, data: new Uint8Array([1]) }];
        const carried = fromBinary(PermissionSchema, toBinary(PermissionSchema, message));
        expect(decodePermissions(carried).ok).toBe(false);
      }),
    );
  });
});

function* nodesOf(message: Permission): Generator<Permission> {
  yield message;
  const { rule } = message;
  if (rule.case === 'notRule') yield* nodesOf(rule.value);
  if (rule.case === 'andRules' || rule.case === 'orRules') for (const one of rule.value.rules) yield* nodesOf(one);
}
