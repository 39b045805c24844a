import { isDeepStrictEqual } from 'node:util';
import { type ConfigSet, type Issue, type LoadOptions, loadConfig } from '@inmesh/config';
import { isRecord } from '../sources/kubernetes/records.js';
import type { AdmissionRequest, Verdict } from './admission-review.js';
import { describeErrors, describeWarnings } from './describe-issues.js';

type Body = Readonly<Record<string, unknown>>;

export interface JudgeOptions extends Pick<LoadOptions, 'clusterDomain' | 'defaultNamespace'> {
  /** What is in use now. */
  readonly current: Pick<ConfigSet, 'isEmpty' | 'issuesOf'>;
}

const allowed: Verdict = Object.freeze({ allowed: true, warnings: [] });

/**
 * What `inmesh validate` says of an object: its errors are a no, its warnings are passed on. That another object is missing
 * is a warning here. It may be the next that `kubectl apply` sends, or be there already and not be known to this replica yet.
 */
export function judge({ operation, namespace, object, oldObject }: AdmissionRequest, options: JudgeOptions): Verdict {
  if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) return allowed;
  // Whoever takes a finalizer off, or labels what was there before us, must not be held up by what they have not touched.
  if (operation === 'UPDATE' && (isLeaving(object) || isDeepStrictEqual(object.spec, oldObject?.spec))) return allowed;
  if (isOfOthers(object)) return allowed;
  const issues = issuesOf(named(object, namespace), options);
  const warnings = describeWarnings(issues);
  const message = describeErrors(issues);
  return message === undefined ? { allowed: true, warnings } : { allowed: false, warnings, message };
}

/** Alone, nothing can be said of the others that it names; among them what it takes of them is known. */
function issuesOf(object: Body, { current, ...options }: JudgeOptions): readonly Issue[] {
  const file = { path: pathOf(object), text: '', object };
  const alone = loadConfig([file], options).issues.filter((issue) => !isOfConfigMap(issue));
  const ownOnes = alone.filter(({ isReference }) => !isReference);
  if (ownOnes.length === alone.length || describeErrors(ownOnes) !== undefined || current.isEmpty) return ownOnes;
  return current.issuesOf(file).filter((issue) => !isOfConfigMap(issue));
}

const routeKinds: readonly unknown[] = ['HTTPRoute', 'GRPCRoute'];

/** A route that is bound to Gateways alone is for their controllers to judge. */
function isOfOthers({ kind, spec }: Body): boolean {
  const parents = isRecord(spec) && Array.isArray(spec.parentRefs) ? spec.parentRefs : [];
  const isOther = (parent: unknown) => isRecord(parent) && (parent.kind ?? 'Gateway') !== 'Service';
  return routeKinds.includes(kind) && parents.length > 0 && parents.every(isOther);
}

/** ConfigMaps are read once a BackendTLSPolicy names them: of a new one nobody knows yet. */
function isOfConfigMap({ isReference, field }: Issue): boolean {
  return isReference === true && field.startsWith('spec.validation.caCertificateRefs') && field.endsWith('.name');
}

/** As the sources name their files. */
function pathOf({ kind, metadata }: Body): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {};
  return `${kind}/${namespace}/${name}`;
}

/** The API server makes the name of one with `generateName` after it has asked us. */
function named(object: Body, namespace: string): Body {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  const { name = `${metadata.generateName ?? ''}new` } = metadata;
  // managedFields would be the greater part of it.
  const { managedFields: _, ...kept } = metadata;
  return { ...object, metadata: { ...kept, name, namespace: metadata.namespace ?? namespace } };
}

function isLeaving({ metadata }: Body): boolean {
  return isRecord(metadata) && metadata.deletionTimestamp !== undefined;
}
