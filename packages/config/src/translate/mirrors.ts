import { create } from '@bufbuild/protobuf';
import { type RouteAction_RequestMirrorPolicy, RouteAction_RequestMirrorPolicySchema } from '@inmesh/xds/messages';
import { fractionOf } from './percents.js';

/** A copy of a share of the requests, between 0 and 100; none for a share of 0 (Istio `MirrorPercent`). */
export function buildMirrors(cluster: string, percent = 100): RouteAction_RequestMirrorPolicy[] {
  if (percent === 0) return [];
  const runtimeFraction = { defaultValue: fractionOf(percent) };
  return [create(RouteAction_RequestMirrorPolicySchema, { cluster, runtimeFraction })];
}
