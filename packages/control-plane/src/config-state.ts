import type { Issue, SourceFile } from '@inmesh/config';
import type { MeshResources } from '@inmesh/core';
import type { ResourceSet } from '@inmesh/xds';

/** A configuration that clients are given, as messages and as our own decoder reads them. */
export interface ServedConfig {
  readonly set: ResourceSet;
  readonly resources: MeshResources;
  readonly acceptedAtMs: number;
}

/** What is served, and what is wrong with the files as they are now. */
export interface ConfigState {
  /** Undefined until a first set without errors. */
  readonly served: ServedConfig | undefined;
  readonly issues: readonly Issue[];
  /** Files whose last good content is served instead of what they hold. */
  readonly refused: readonly string[];
  /** Those contents; a refused file that has none here is left out. */
  readonly lastGood: readonly SourceFile[];
  /** Why the translation of the newest files is not published although the files seem right. */
  readonly inconsistencies: readonly string[];
  /** Why the files, or some of them, cannot be read. */
  readonly sourceErrors: readonly string[];
}

export const initialState: ConfigState = Object.freeze({
  served: undefined,
  issues: [],
  refused: [],
  lastGood: [],
  inconsistencies: [],
  sourceErrors: [],
});
