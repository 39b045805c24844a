import { isOldKind, modernFormOf } from './convert/convert-objects.js';
import { isBootstrapObject } from './envoy/bootstrap-object.js';
import { isLimitsObject } from './limits-object.js';
import type { Memory } from './memory.js';
import { didYouMean } from './nearest.js';
import { type ConfigObject, groupOf } from './objects.js';
import { Place } from './place.js';
import { anything, type ObjectOf, object, openObject, text } from './schema/field.js';
import { judgeKind, type KindSchema, type KindVerdict, type TranslatedKind, translatedKinds } from './schema/kinds.js';
import { type Metadata, metadata } from './schema/kubernetes.js';
import { read } from './schema/read.js';

/** An object whose fields have the types of its schema. */
export interface ReadObject<Body> {
  readonly name: string;
  readonly namespace: string;
  readonly metadata: Metadata;
  readonly body: Body;
  readonly place: Place;
}

type BodyOf<Kind extends TranslatedKind> = ObjectOf<(typeof translatedKinds)[Kind]['fields']>;

/** The objects that are translated, by kind, each list from the oldest on. */
export type ObjectsByKind = { readonly [Kind in TranslatedKind]: readonly ReadObject<BodyOf<Kind>>[] };

type Groups = Record<TranslatedKind, ReadObject<unknown>[]>;

/** Sorts objects by kind and reads each by the schema of its kind; those with fields of a wrong type are left out. */
export function readObjects(objects: readonly ConfigObject[], defaultNamespace: string, memory: Memory): ObjectsByKind {
  const runs = memory.recallRuns('read', objects, (run) => readRun(run, defaultNamespace, memory));
  for (const written of runs.flatMap(({ old }) => old)) {
    sayModernForm(written, objects, Place.of(inNamespace(written, defaultNamespace), memory));
  }
  const sorted = (Object.keys(translatedKinds) as TranslatedKind[]).map((kind) => {
    const group = ([] as ReadObject<unknown>[]).concat(...runs.map(({ groups }) => groups[kind]));
    return [kind, memory.recallOf(`sorted ${kind}`, group, () => [...group].sort(byAge))] as const;
  });
  return Object.fromEntries(sorted) as unknown as ObjectsByKind;
}

/** @returns also those of which what is to be said depends on all the others */
function readRun(objects: readonly ConfigObject[], defaultNamespace: string, memory: Memory) {
  const groups = Object.fromEntries(Object.keys(translatedKinds).map((kind) => [kind, []])) as unknown as Groups;
  const old: ConfigObject[] = [];
  for (const written of objects) {
    if (isBootstrapObject(written) || isLimitsObject(written)) continue;
    const found = memory.recall(written, 'read', [], () => readOne(written, defaultNamespace, memory));
    if (found === 'old') old.push(written);
    else if (found !== undefined) groups[found.kind].push(found.object);
  }
  return { groups, old };
}

type ReadOne = { readonly kind: TranslatedKind; readonly object: ReadObject<unknown> } | 'old' | undefined;

function readOne(written: ConfigObject, defaultNamespace: string, memory: Memory): ReadOne {
  if (isOldKind(written)) return 'old';
  const effective = inNamespace(written, defaultNamespace);
  const place = Place.of(effective, memory);
  const judged = judgeKind(groupOf(effective.apiVersion), effective.kind);
  if (judged.verdict !== 'translated') {
    sayOfKind(judged, effective, place);
    return undefined;
  }
  const object = readObject(effective, judged.kind, place);
  return object && { kind: judged.kind, object };
}

function inNamespace(written: ConfigObject, defaultNamespace: string): ConfigObject {
  return written.namespace === '' ? { ...written, namespace: defaultNamespace } : written;
}

function sayOfKind(judged: Exclude<KindVerdict, { verdict: 'translated' }>, found: ConfigObject, place: Place): void {
  const at = place.at('kind');
  if (judged.verdict === 'ignored') at.warn(`not supported yet, ignored: ${judged.effect}`);
  if (judged.verdict !== 'unknown') return;
  const message = `${found.apiVersion} ${found.kind} is not a known kind`;
  const hint = didYouMean(found.kind, judged.known);
  if (judged.ofMesh) at.error(message, hint);
  else at.warn(`${message}: ignored`, hint);
}

/** An old kind: what it asked for is not carried out, and that must not go unnoticed. */
function sayModernForm(old: ConfigObject, all: readonly ConfigObject[], place: Place): void {
  const { apiVersion, kind } = old;
  const { documents = [], notes = [] } = modernFormOf(old, all) ?? {};
  const forms = documents.map(({ kind: modern, metadata }) => `${modern} ${(metadata as { name?: string }).name}`);
  const hint =
    forms.length > 0 ? `\`inmesh convert FILE\` writes it as ${forms.join(' and ')}` : notes.join('; ') || undefined;
  place.at('kind').error(`${apiVersion} ${kind} is a kind of Istio before 1.6, and not carried out`, hint);
}

function readObject(found: ConfigObject, kind: TranslatedKind, place: Place): ReadObject<unknown> | undefined {
  const { versions, fields, isOpen = false }: KindSchema = translatedKinds[kind];
  checkVersion(found, versions, place);
  const all = { ...common, ...fields };
  const body = read<{ readonly metadata?: Metadata | undefined }>(
    found.body,
    isOpen ? openObject(all) : object(all),
    place,
  );
  if (body === undefined) return undefined;
  return { name: found.name, namespace: found.namespace, metadata: body.metadata ?? {}, body, place };
}

/** `status` is the cluster's own note. */
const common = { apiVersion: text(), kind: text(), metadata, status: anything };

function checkVersion({ apiVersion, kind }: ConfigObject, versions: readonly string[], place: Place): void {
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  if (versions.includes(version)) return;
  const known = versions.map((name) => apiVersion.slice(0, apiVersion.indexOf('/') + 1) + name);
  place.at('apiVersion').error(`${kind} has no version "${version}"`, `known: ${known.join(', ')}`);
}

/** An object that says nothing of its age counts as the youngest; the name decides between equals. */
function byAge(a: ReadObject<unknown>, b: ReadObject<unknown>): number {
  return (
    compare(a.metadata.creationTimestamp ?? '~', b.metadata.creationTimestamp ?? '~') ||
    compare(a.name, b.name) ||
    compare(a.namespace, b.namespace)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
