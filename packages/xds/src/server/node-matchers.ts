import { compileStringMatcher, type TextTest } from '@inmesh/core';
import type { Node, NodeMatcher } from '../messages.js';
import type { DecodeResult } from '../resources/decode-result.js';
import { decodeStringMatcher } from '../resources/decode-string-matcher.js';
import { FieldScope } from '../resources/field-scope.js';

export type NodeTest = (node: Node | undefined) => boolean;

/** Envoy `type.matcher.v3.NodeMatcher`, any of several; none matches every node. Matching metadata is not supported. */
export function readNodeMatchers(matchers: readonly NodeMatcher[]): DecodeResult<NodeTest> {
  return FieldScope.collect((at) => {
    const tests = at.each('node_matchers', matchers, readNodeMatcher);
    return (node) => matchers.length === 0 || tests.some((test) => test(node?.id ?? ''));
  });
}

function readNodeMatcher({ nodeId, nodeMetadatas }: NodeMatcher, at: FieldScope): TextTest | undefined {
  if (nodeMetadatas.length > 0) return at.field('node_metadatas').error('is not supported: match by node_id');
  if (nodeId === undefined) return () => true;
  const matcher = decodeStringMatcher(nodeId, at.field('node_id'));
  return matcher && compileStringMatcher(matcher);
}
