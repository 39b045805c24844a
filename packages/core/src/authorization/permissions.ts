import type { Permission } from '../model/authorization.js';
import type { CallTest } from '../router/call-matcher.js';
import { compileStringMatcher } from '../router/string-matcher.js';
import {
  addressTest,
  headerTest,
  opposite,
  pathTemplateTest,
  pathTest,
  portTest,
  type Strictness,
} from './condition-tests.js';

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
      return portTest((found) => found === port, strictness);
    }
    case 'destinationPortRange': {
      const { start, end } = permission;
      return portTest((port) => port >= start && port < end, strictness);
    }
    case 'destinationIp': {
      const contains = addressTest(permission.range, strictness);
      return (call) => contains(call.connection?.localAddress ?? '');
    }
    case 'serverName': {
      const matches = compileStringMatcher(permission.matcher);
      return (call) => matches(call.connection?.serverName ?? '');
    }
  }
}
