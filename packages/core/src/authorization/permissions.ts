import type { Permission } from '../model/authorization.js';
import type { CallTest } from '../router/call-matcher.js';
import { compileStringMatcher } from '../router/string-matcher.js';
import { headerTest, opposite, pathTemplateTest, pathTest, type Strictness } from './condition-tests.js';
import { compileCidrRange } from './ip-range.js';

/** Envoy RBAC `Permission` (rbac.proto). */
export function compilePermission(permission: Permission, strictness: Strictness): CallTest {
  switch (permission.kind) {
    case 'any':
      return () => true;
    case 'all': {
      const tests = permission.permissions.map((one) => compilePermission(one, strictness));
      return (call) => tests.every((test) => test(call));
    }
    case 'oneOf': {
      const tests = permission.permissions.map((one) => compilePermission(one, strictness));
      return (call) => tests.some((test) => test(call));
    }
    case 'not': {
      const test = compilePermission(permission.permission, opposite(strictness));
      return (call) => !test(call);
    }
    case 'header':
      return headerTest(permission.matcher, strictness);
    case 'path':
      return pathTest(permission.matcher, strictness);
    case 'pathTemplate':
      return pathTemplateTest(permission.template, strictness);
    case 'destinationPort': {
      const { port } = permission;
      return (call) => call.connection?.localPort === port;
    }
    case 'destinationPortRange': {
      const { start, end } = permission;
      return (call) => {
        const port = call.connection?.localPort ?? -1;
        return port >= start && port < end;
      };
    }
    case 'destinationIp': {
      const contains = compileCidrRange(permission.range);
      return (call) => contains(call.connection?.localAddress ?? '');
    }
    case 'serverName': {
      const matches = compileStringMatcher(permission.matcher);
      return (call) => matches(call.connection?.serverName ?? '');
    }
  }
}
