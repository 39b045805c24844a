import type { PathNormalization } from '@inmesh/core';
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
} from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** What is done with a path before policies see it. More than is asked for would let policies see another path than Envoy's. */
export function decodePathNormalization(message: HttpConnectionManager, at: FieldScope): PathNormalization {
  const { mergeSlashes, pathWithEscapedSlashesAction: action, pathNormalizationOptions: options } = message;
  if (options !== undefined) at.field('path_normalization_options').error('are not supported: use normalize_path');
  const scope = at.field('path_with_escaped_slashes_action');
  switch (action) {
    case EscapedSlashes.IMPLEMENTATION_SPECIFIC_DEFAULT:
    case EscapedSlashes.KEEP_UNCHANGED:
    // Such a path is refused with any normalization that does not decode it.
    case EscapedSlashes.REJECT_REQUEST:
      return mergeSlashes ? 'mergeSlashes' : 'base';
    case EscapedSlashes.UNESCAPE_AND_FORWARD:
      if (!mergeSlashes) scope.error('needs merge_slashes with it');
      return 'decodeAndMergeSlashes';
    default:
      scope.error('is not supported: nobody is redirected for it');
      return 'base';
  }
}
