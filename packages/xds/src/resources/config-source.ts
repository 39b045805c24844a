import type { ConfigSource } from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** A mesh configuration comes from one stream: what a resource refers to must come from there too (gRFC A27). */
export function checkConfigSource(source: ConfigSource | undefined, at: FieldScope): void {
  const kind = source?.configSourceSpecifier.case;
  if (kind !== 'ads' && kind !== 'self') at.error('should be "ads" or "self"');
}
