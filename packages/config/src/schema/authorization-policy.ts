import { nonEmpty } from './checks.js';
import { list, type ObjectOf, object, oneOf, required, type TypeOf, text } from './field.js';
import { pathProblem } from './path-templates.js';
import {
  cidrs,
  namespaceProblem,
  ports,
  principals,
  selector,
  serviceAccountProblem,
  targets,
  values,
  wildcards,
} from './security-checks.js';

// Istio 1.27 security/v1beta1/authorization_policy.proto, field by field.

const serviceAccounts = list(text(serviceAccountProblem), 1);
const namespaces = list(text(namespaceProblem), 1);

const source = object({
  principals,
  notPrincipals: principals,
  requestPrincipals: wildcards,
  notRequestPrincipals: wildcards,
  namespaces,
  notNamespaces: namespaces,
  serviceAccounts,
  notServiceAccounts: serviceAccounts,
  ipBlocks: cidrs,
  notIpBlocks: cidrs,
  remoteIpBlocks: cidrs,
  notRemoteIpBlocks: cidrs,
});

const paths = list(text(pathProblem), 1);

const operation = object({
  hosts: wildcards,
  notHosts: wildcards,
  ports,
  notPorts: ports,
  methods: wildcards,
  notMethods: wildcards,
  paths,
  notPaths: paths,
});

const condition = object({ key: required(nonEmpty), values, notValues: values });

const rule = object({
  from: list(object({ source: required(source) }), 1),
  to: list(object({ operation: required(operation) }), 1),
  when: list(condition),
});

const spec = object({
  selector,
  ...targets,
  rules: list(rule),
  action: oneOf('ALLOW', 'DENY', 'AUDIT', 'CUSTOM'),
  provider: object({ name: required(nonEmpty) }),
});

/** A policy without a spec allows nothing. */
export const authorizationPolicyFields = { spec };

export type AuthorizationPolicy = ObjectOf<typeof authorizationPolicyFields>;
export type AuthorizationRule = TypeOf<typeof rule>;
export type AuthorizationSource = TypeOf<typeof source>;
export type AuthorizationOperation = TypeOf<typeof operation>;
export type AuthorizationCondition = TypeOf<typeof condition>;
