import { create } from '@bufbuild/protobuf';
import { type DataSource, DataSourceSchema, SecretSchema, type Secret as WireSecret } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { Secret } from '../schema/secret.js';
import { sayProblem } from './problem.js';
import { isForAuthorities, readSecret, type SecretContent, type Validity } from './read-secret.js';

type Source = ReadObject<Secret>;

/** A Secret that did not change keeps its identity from one translation to the next, and keys are slow to check. */
const known = new WeakMap<object, SecretContent>();

/**
 * The certificates of Kubernetes Secrets under the names that Istio gives them, sorted by name: `kubernetes://NAME` and, of
 * authorities, `kubernetes://NAME-cacert`, each also with its namespace before the name. A client has those of its own
 * namespace alone.
 * @param authorities what everybody is given beside them, by name
 */
export function buildSecrets(
  sources: readonly Source[],
  authorities: ReadonlyMap<string, WireSecret>,
  settings: Settings,
): ReadonlyMap<string, WireSecret> {
  const secrets = new Map<string, WireSecret>(authorities);
  for (const source of namedForAuthoritiesLast(sources)) {
    const content = contentOf(source, settings.now());
    const built = [...buildAll(source.name, content)];
    if (built.length === 0 || !settings.client.isIn(source.namespace)) continue;
    for (const [name, type] of built) {
      for (const path of [name, `${source.namespace}/${name}`]) {
        const resourceName = `kubernetes://${path}`;
        secrets.set(resourceName, create(SecretSchema, { name: resourceName, type }));
      }
    }
  }
  return new Map([...secrets].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `NAME-cacert` replaces the authorities of `NAME`. */
function namedForAuthoritiesLast(sources: readonly Source[]): Source[] {
  const isLast = ({ name }: Source) => (isForAuthorities(name) ? 1 : 0);
  return [...sources].sort((a, b) => isLast(a) - isLast(b));
}

function contentOf({ name, body, place }: Source, nowMs: number): SecretContent {
  const { object } = place;
  const content = known.get(object.body) ?? readSecret(name, body);
  known.set(object.body, content);
  for (const problem of content.problems) sayProblem(problem, place);
  for (const validity of content.validity) sayValidity(validity, nowMs, place);
  return content;
}

function sayValidity({ path, fromMs, toMs }: Validity, nowMs: number, place: Place): void {
  if (nowMs > toMs) place.at(...path).warn(`has a certificate that expired at ${new Date(toMs).toISOString()}`);
  if (nowMs < fromMs)
    place.at(...path).warn(`has a certificate that is not valid before ${new Date(fromMs).toISOString()}`);
}

function* buildAll(name: string, { keyPair, authorities }: SecretContent): Generator<[string, WireSecret['type']]> {
  if (keyPair !== undefined) {
    const value = { certificateChain: inline(keyPair.chain), privateKey: inline(keyPair.key) };
    yield [name, create(SecretSchema, { type: { case: 'tlsCertificate', value } }).type];
  }
  if (authorities !== undefined) {
    const { certificates, revoked } = authorities;
    const value = { trustedCa: inline(certificates), ...(revoked !== undefined && { crl: inline(revoked) }) };
    const type = create(SecretSchema, { type: { case: 'validationContext', value } }).type;
    yield [isForAuthorities(name) ? name : `${name}-cacert`, type];
  }
}

function inline(value: Uint8Array): DataSource {
  return create(DataSourceSchema, { specifier: { case: 'inlineBytes', value } });
}
