import type { IssueList } from './issues.js';
import { type ConfigObject, type FieldPath, type FieldStep, formatPath, labelOf } from './objects.js';

/** A field of an object, to say something about. Its line is looked up only when there is something to say. */
export class Place {
  private constructor(
    readonly object: ConfigObject,
    private readonly issues: IssueList,
    private readonly parent: Place | undefined,
    private readonly step: FieldStep,
  ) {}

  static of(object: ConfigObject, issues: IssueList): Place {
    return new Place(object, issues, undefined, '');
  }

  at(...steps: FieldStep[]): Place {
    return steps.reduce<Place>((place, step) => new Place(this.object, this.issues, place, step), this);
  }

  error(message: string, hint?: string): void {
    this.#say('error', message, hint);
  }

  warn(message: string, hint?: string): void {
    this.#say('warning', message, hint);
  }

  /** `DestinationRule default/reviews (dr.yaml:7)`, to name this object in an issue about another one. */
  get reference(): string {
    const { source } = this.object;
    return `${labelOf(this.object)} (${source.file}:${source.locate(this.#path()).line})`;
  }

  #say(severity: 'error' | 'warning', message: string, hint: string | undefined): void {
    const { object } = this;
    const path = this.#path();
    this.issues.add({
      severity,
      file: object.source.file,
      ...object.source.locate(path),
      object: labelOf(object),
      field: formatPath(path),
      message,
      ...(hint !== undefined && { hint }),
    });
  }

  #path(): FieldPath {
    const path: FieldStep[] = [];
    for (let place: Place = this; place.parent !== undefined; place = place.parent) path.unshift(place.step);
    return path;
  }
}
