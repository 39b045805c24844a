import { UsageError } from '../../command.js';
import { anyKind, routedKinds } from '../routes/kinds.js';
import type { RoutedKind } from '../routes/routed-object.js';

/** `reviews`, or `virtualservice/reviews` where there are several. */
export interface TargetName {
  readonly kind: RoutedKind | undefined;
  readonly name: string;
}

export function parseTargetName(written: string): TargetName {
  const slash = written.indexOf('/');
  const name = written.slice(slash + 1);
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    throw new UsageError(`${JSON.stringify(written)} is not the name of a ${anyKind}`);
  }
  if (slash < 0) return { kind: undefined, name };
  const alias = written.slice(0, slash).toLowerCase();
  const kind = routedKinds.find(({ aliases }) => aliases.includes(alias));
  if (kind === undefined) {
    const kinds = routedKinds.map(({ aliases }) => aliases[0]).join(', ');
    throw new UsageError(`${JSON.stringify(written.slice(0, slash))} has no weights: one of ${kinds}`);
  }
  return { kind, name };
}
