import { isRecord } from './objects.js';
import type { SourceFile } from './source-file.js';
import { isStandIn } from './stand-in.js';

/**
 * What is used of a file that is broken.
 * @param now as it is
 * @param used what was used of it last
 */
export function lastGoodOf(now: SourceFile | undefined, used: SourceFile | undefined): SourceFile | undefined {
  const own = used !== undefined && !isStandIn(used) && uidOf(used) === uidOf(now) ? used : undefined;
  const kept = now?.lastGood;
  if (kept === undefined || uidOf(kept.file) !== uidOf(now)) return own;
  // Of equal ones the own, of which everything is known already.
  const isOwn = own !== undefined && (!kept.isDecided || own.text === kept.file.text);
  return isOwn ? own : kept.file;
}

/** Another object of the same name is another. */
function uidOf(file: SourceFile | undefined): unknown {
  const metadata = file?.object?.metadata;
  return isRecord(metadata) ? metadata.uid : undefined;
}
