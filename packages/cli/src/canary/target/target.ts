import type { NumberEdit } from '@inmesh/config';
import type { CanaryRecord } from '../record.js';
import type { Destination } from '../routes/destination.js';
import type { Fields, RouteContext, RoutedKind } from '../routes/routed-object.js';

/** An object as it was read. */
export interface Loaded {
  readonly object: Fields;
  readonly record: CanaryRecord | undefined;
  /** Equal for the same content. */
  readonly token: string;
}

/** The object may be there in a moment: its file is being saved, for one. */
export class Passing extends Error {
  override readonly name = 'Passing';
}

/** Where the weights are: an object of a cluster, or of a file. */
export interface Target {
  /** `VirtualService default/reviews of reviews.yaml` */
  readonly description: string;
  /** Of the object. */
  readonly name: string;
  /** Where the record is, for those who have to remove it. */
  readonly recordPlace: string;
  /** To be typed by those who read a message. */
  readonly commands: {
    /** `inmesh canary virtualservice/reviews -n shop`: its flags follow. */
    readonly canary: string;
    /** Removes the record, and leaves the weights. */
    readonly forget: string;
  };
  readonly kind: RoutedKind;
  readonly context: RouteContext;
  /** @throws Passing when it may be there in a moment; Error when it cannot be read, or is no longer there */
  load(): Promise<Loaded>;
  /**
   * Writes weights and record, and not another thing. `stale`: it is not as it was loaded any more, and nothing was written.
   * @throws Error when it cannot be written
   */
  save(loaded: Loaded, edits: readonly NumberEdit[], record: CanaryRecord | undefined): Promise<'saved' | 'stale'>;
  /** Writes nothing. @throws Error where these weights could not be written */
  rehearse(loaded: Loaded, edits: readonly NumberEdit[]): Promise<void>;
  /** Who wrote the weights last, where that is known. */
  blame(loaded: Loaded): string | undefined;
  /** Somebody who will write the weights again, whatever we do; undefined: nobody. */
  owner(loaded: Loaded): string | undefined;
  /** The labels that choose the pods of a subset, empty where that cannot be known; undefined: there is no such subset. */
  subsetLabels(destination: Destination): Promise<Readonly<Record<string, string>> | undefined>;
  close(): Promise<void>;
}
