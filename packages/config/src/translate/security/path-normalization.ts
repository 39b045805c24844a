import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
  type HttpConnectionManagerSchema,
} from '@inmesh/xds/messages';
import type { ObjectsByKind } from '../../read-objects.js';

/** What a connection manager is told of paths. */
export type PathSettings = Pick<
  Exclude<MessageInitShape<typeof HttpConnectionManagerSchema>, HttpConnectionManager>,
  'normalizePath' | 'mergeSlashes' | 'pathWithEscapedSlashesAction'
>;

/** What is done with a path before policies see it, as the mesh says (istiod, `normalizePath`); Istio's default is BASE. */
export function pathSettings(operators: ObjectsByKind['IstioOperator']): PathSettings {
  const given = operators.map(({ body }) => body.spec?.meshConfig?.pathNormalization?.normalization);
  switch (given.find((normalization) => normalization !== undefined)) {
    case 'MERGE_SLASHES':
      return { normalizePath: true, mergeSlashes: true };
    case 'DECODE_AND_MERGE_SLASHES':
      return {
        normalizePath: true,
        mergeSlashes: true,
        pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD,
      };
    default:
      return { normalizePath: true };
  }
}
