import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { type Permission, PermissionSchema, UriTemplateMatchConfigSchema } from '@inmesh/xds/messages';
import type { AuthorizationCondition, AuthorizationOperation } from '../../schema/authorization-policy.js';
import { envoyTemplate, isPathTemplate } from '../../schema/path-templates.js';
import { cidrRange } from './cidr-ranges.js';
import { readConditionKey } from './conditions.js';
import { policyHeaderMatcher, policyMatcher } from './text-matchers.js';

type Test = (value: string) => Permission;

export const anyPermission = create(PermissionSchema, { rule: { case: 'any', value: true } });

/** What an operation means, and under which conditions. Where neither says anything: everything. */
export function operationPermission(
  operation: AuthorizationOperation,
  conditions: readonly AuthorizationCondition[],
): Permission {
  const { hosts, notHosts, methods, notMethods, paths, notPaths, ports, notPorts } = operation;
  const rules = [
    ...both(hostTest, hosts, notHosts),
    ...both((value) => header(':method', value), methods, notMethods),
    ...both(pathTest, paths, notPaths),
    ...both(portTest, ports, notPorts),
    ...conditions.flatMap(conditionTests),
  ];
  return permission({ case: 'andRules', value: { rules: rules.length === 0 ? [anyPermission] : rules } });
}

function conditionTests({ key, values, notValues }: AuthorizationCondition): Permission[] {
  const read = readConditionKey(key);
  if (!read.ok) return [];
  switch (read.key.kind) {
    case 'destinationIp':
      return both((value) => permission({ case: 'destinationIp', value: cidrRange(value) }), values, notValues);
    case 'destinationPort':
      return both(portTest, values, notValues);
    case 'serverName':
      return both(
        (value) => permission({ case: 'requestedServerName', value: policyMatcher(value) }),
        values,
        notValues,
      );
    default:
      return [];
  }
}

/** Host names are the same in upper and lower case. */
function hostTest(value: string): Permission {
  return permission({ case: 'header', value: policyHeaderMatcher(':authority', value, true) });
}

function header(name: string, value: string): Permission {
  return permission({ case: 'header', value: policyHeaderMatcher(name, value) });
}

function portTest(value: string): Permission {
  return permission({ case: 'destinationPort', value: Number(value) });
}

function pathTest(value: string): Permission {
  if (!isPathTemplate(value)) {
    return permission({ case: 'urlPath', value: { rule: { case: 'path', value: policyMatcher(value) } } });
  }
  const config = create(UriTemplateMatchConfigSchema, { pathTemplate: envoyTemplate(value) });
  return permission({
    case: 'uriTemplate',
    value: { name: 'uri-template', typedConfig: anyPack(UriTemplateMatchConfigSchema, config) },
  });
}

function both(test: Test, values: readonly string[] = [], notValues: readonly string[] = []): Permission[] {
  return [
    ...(values.length > 0 ? [oneOf(values.map(test))] : []),
    ...(notValues.length > 0 ? [permission({ case: 'notRule', value: oneOf(notValues.map(test)) })] : []),
  ];
}

function oneOf(rules: readonly Permission[]): Permission {
  return permission({ case: 'orRules', value: { rules: [...rules] } });
}

type Rule = NonNullable<Parameters<typeof create<typeof PermissionSchema>>[1]>['rule'];

function permission(rule: NonNullable<Rule>): Permission {
  return create(PermissionSchema, { rule });
}
