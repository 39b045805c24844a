import type { MirrorPolicy } from '@inmesh/core';
import type { RouteAction_RequestMirrorPolicy } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRuntimeFraction } from './percents.js';

interface MirrorFields {
  readonly requestMirrorPolicies: readonly RouteAction_RequestMirrorPolicy[];
}

/** A level with policies of its own replaces those above it whole (Envoy `request_mirror_policies`). */
export function decodeMirrors(
  { requestMirrorPolicies: policies }: MirrorFields,
  inherited: readonly MirrorPolicy[],
  at: FieldScope,
): readonly MirrorPolicy[] {
  return policies.length === 0 ? inherited : at.each('request_mirror_policies', policies, decodeMirrorPolicy);
}

function decodeMirrorPolicy(message: RouteAction_RequestMirrorPolicy, at: FieldScope): MirrorPolicy | undefined {
  reportUnsupported(message, at);
  const { cluster, runtimeFraction, disableShadowHostSuffixAppend } = message;
  if (cluster === '' && message.clusterHeader === '') at.field('cluster').error('must not be empty');
  const perMillion = decodeRuntimeFraction(runtimeFraction, 1_000_000, at.field('runtime_fraction'));
  return { cluster, perMillion, shadowSuffix: !disableShadowHostSuffixAppend };
}
