import type { Issue, IssueSink } from './issues.js';
import { type ConfigObject, type FieldPath, type FieldStep, formatPath, labelOf } from './objects.js';

/** A field of an object, to say something about. Its line is looked up only when there is something to say. */
export class Place {
  private constructor(
    readonly object: ConfigObject,
    private readonly issues: IssueSink,
    private readonly parent: Place | undefined,
    private readonly step: FieldStep,
  ) {}

  static of(object: ConfigObject, issues: IssueSink): Place {
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

  /** What may be another object's fault. */
  unresolved(message: string, hint?: string, severity: Issue['severity'] = 'error'): void {
    this.#say(severity, message, hint, { isReference: true });
  }

  /** `DestinationRule default/reviews (dr.yaml:7)`, to name this object in an issue about another one. */
  get reference(): string {
    const { source } = this.object;
    const { line } = source.locate(this.#path());
    return line === 0 ? labelOf(this.object) : `${labelOf(this.object)} (${source.file}:${line})`;
  }

  #say(
    severity: 'error' | 'warning',
    message: string,
    hint: string | undefined,
    more: Pick<Issue, 'isReference'> = {},
  ): void {
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
      ...more,
    });
  }

  #path(): FieldPath {
    const path: FieldStep[] = [];
    for (let place: Place = this; place.parent !== undefined; place = place.parent) path.unshift(place.step);
    return path;
  }
}
