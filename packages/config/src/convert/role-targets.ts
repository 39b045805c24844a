import type { ConfigObject } from '../objects.js';
import { recordIn, recordsIn, textIn, textsIn } from './old-values.js';

type Labels = Readonly<Record<string, string>>;

/** Workloads that a rule of a ServiceRole is for; without labels all of the namespace. */
export interface RoleTarget {
  /** Names it among the others; empty without labels. */
  readonly suffix: string;
  readonly labels: Labels;
}

interface RoleTargets {
  readonly targets: readonly RoleTarget[];
  /** What is left to say by hosts: services that are not among the objects, or that are patterns. */
  readonly hosts: readonly string[];
}

const labelKey = /^destination\.labels\[(.+)\]$/;

/** Whether a constraint is about the workload's labels, and so is part of the targets. */
export function isLabelConstraint({ key, values }: { key: string; values: readonly string[] }): boolean {
  return labelKey.test(key) && values.every((value) => !value.includes('*'));
}

/** Services and labels of the destination are a selector today, which takes one value for each label. */
export function roleTargets(
  rule: Readonly<Record<string, unknown>>,
  namespace: string,
  all: readonly ConfigObject[],
): RoleTargets {
  const everything: RoleTarget = { suffix: '', labels: {} };
  const named = textsIn(rule.services);
  const ofServices = named.map((host) => serviceTarget(host, namespace, all)).filter((one) => one !== undefined);
  const isKnown = named.length > 0 && ofServices.length === named.length;
  const constraints = recordsIn(rule.constraints)
    .map(({ key, values }) => ({ key: textIn(key), values: textsIn(values) }))
    .filter(isLabelConstraint);
  const targets = constraints.reduce<readonly RoleTarget[]>(
    (found, { key, values }) => {
      const label = labelKey.exec(key)![1]!;
      return found.flatMap((target) => values.map((value) => withLabels(target, value, { [label]: value })));
    },
    isKnown ? ofServices : [everything],
  );
  return { targets, hosts: isKnown || named.includes('*') ? [] : named };
}

function serviceTarget(host: string, namespace: string, all: readonly ConfigObject[]): RoleTarget | undefined {
  const [name = '', ofNamespace = namespace] = host.split('.');
  const service = all.find((one) => one.kind === 'Service' && one.name === name && one.namespace === namespace);
  const selector = Object.entries(recordIn(recordIn(service?.body.spec).selector));
  if (ofNamespace !== namespace || selector.length === 0) return undefined;
  return { suffix: name, labels: Object.fromEntries(selector.map(([key, value]) => [key, String(value)])) };
}

function withLabels(target: RoleTarget, suffix: string, labels: Labels): RoleTarget {
  return {
    suffix: [target.suffix, suffix].filter((part) => part !== '').join('-'),
    labels: { ...target.labels, ...labels },
  };
}
