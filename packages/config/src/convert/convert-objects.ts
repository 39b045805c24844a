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
  const ofGroup = converters[groupOf(old.apiVersion)];
  const convert = ofGroup !== undefined && Object.hasOwn(ofGroup, old.kind) ? ofGroup[old.kind] : undefined;
  return convert?.(old, all);
}
