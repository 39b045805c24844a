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

  /** A Service that may be still to come: a warning. @param effect what follows for as long as it is not there */
  missingService(name: string, namespace: string, effect: string, hint: string | undefined): void {
    const missing = { object: `Service ${namespace === this.object.namespace ? '' : `${namespace}/`}${name}`, effect };
    const message = `there is no Service "${name}" in the namespace ${namespace}: ${effect}`;
    this.#say('warning', message, hint, { isReference: true, missing });
  }

  /** `DestinationRule default/reviews (dr.yaml:7)`, to name this object in an issue about another one. */
  get reference(): string {
    const { source } = this.object;
    const { line } = source.locate(this.#path());
    return line === 0 ? labelOf(this.object) : `${labelOf(this.object)} (${source.file}:${line})`;
  }

  /**
   * The only namespace whose objects a hint may name: in a cluster, whoever reads of an object need not have the right to
   * see those of other namespaces. Undefined for what is in files: all may be named.
   */
  get hintsOnlyOf(): string | undefined {
    return this.isOfCluster ? this.object.namespace : undefined;
  }

  /** Not written in a file. */
  get isOfCluster(): boolean {
    return this.object.source.locate([]).line === 0;
  }

  mayHintAt(namespace: string): boolean {
    return this.hintsOnlyOf === undefined || this.hintsOnlyOf === namespace;
  }

  #say(
    severity: 'error' | 'warning',
    message: string,
    hint: string | undefined,
    more: Pick<Issue, 'isReference' | 'missing'> = {},
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
