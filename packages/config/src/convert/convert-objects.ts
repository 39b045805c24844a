import type { ConfigObject } from '../objects.js';
import { groupOf } from '../objects.js';
import { convertAuthentication } from './authentication-policy.js';
import type { Modern } from './modern.js';
import { convertRbacConfig } from './rbac-config.js';
import { convertBinding, convertRole } from './service-roles.js';

type Convert = (old: ConfigObject, all: readonly ConfigObject[]) => Modern;

/** Kinds of Istio before 1.6, by their group, and how each is written today. */
const converters: Readonly<Record<string, Readonly<Record<string, Convert>>>> = {
  'rbac.istio.io': {
    RbacConfig: convertRbacConfig,
    ClusterRbacConfig: convertRbacConfig,
    ServiceRole: convertRole,
    ServiceRoleBinding: convertBinding,
  },
  'authentication.istio.io': { Policy: convertAuthentication, MeshPolicy: convertAuthentication },
};

/** Undefined for an object of a kind that is not an old one. */
export function modernFormOf(old: ConfigObject, all: readonly ConfigObject[]): Modern | undefined {
  return converterOf(old)?.(old, all);
}

export function isOldKind(object: ConfigObject): boolean {
  return converterOf(object) !== undefined;
}

function converterOf({ apiVersion, kind }: ConfigObject): Convert | undefined {
  const ofGroup = converters[groupOf(apiVersion)];
  return ofGroup !== undefined && Object.hasOwn(ofGroup, kind) ? ofGroup[kind] : undefined;
}
