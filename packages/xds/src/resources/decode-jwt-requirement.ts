import type { JwtRule } from '@inmesh/core';
import type { JwtRequirement } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

type Needs = Omit<JwtRule, 'path'>;

type IsKnown = (provider: string) => boolean;

/**
 * Which providers' tokens will do, and whether none will. `requires_all` is taken in the one form that istiod writes, «each
 * of the tokens that are there is good» beside the very same providers, to which it adds only that none has to be there.
 */
export function decodeRequirement(message: JwtRequirement, isKnown: IsKnown, at: FieldScope): Needs | undefined {
  reportUnsupported(message, at);
  const { requiresType: type } = message;
  switch (type.case) {
    case 'providerName':
      if (!isKnown(type.value)) return at.field('provider_name').error(`"${type.value}" is not in providers`);
      return { ...nothing, providers: [type.value] };
    case 'allowMissing':
      return { ...nothing, allowMissing: true };
    case 'allowMissingOrFailed':
      return { ...nothing, allowMissingOrFailed: true };
    case 'requiresAny':
      return decodeAny(type.value.requirements, isKnown, at.field('requires_any'));
    case 'requiresAll':
      return at.field('requires_all').error('is not supported: a request has one token, of any of the providers');
    case 'providerAndAudiences':
      return undefined;
    case undefined:
      return at.error('asks for nothing: name a provider');
  }
}

const nothing: Needs = { providers: [], allowMissing: false, allowMissingOrFailed: false };

function decodeAny(requirements: readonly JwtRequirement[], isKnown: IsKnown, at: FieldScope): Needs | undefined {
  if (requirements.length === 0) return at.field('requirements').error('is empty');
  const scope = at.field('requirements');
  const plain = at.each('requirements', requirements, (requirement, itemScope) =>
    requirement.requiresType.case === 'requiresAll' ? undefined : decodeRequirement(requirement, isKnown, itemScope),
  );
  const providers = [...new Set(plain.flatMap((needs) => needs.providers))];
  const alls = requirements.flatMap(({ requiresType }) =>
    requiresType.case === 'requiresAll' ? [requiresType.value.requirements] : [],
  );
  if (!alls.every((all) => isOptionalEach(all, providers))) {
    return scope.error('requires_all is not supported: a request has one token, of any of the providers');
  }
  return {
    providers,
    allowMissing: alls.length > 0 || plain.some(({ allowMissing }) => allowMissing),
    allowMissingOrFailed: plain.some(({ allowMissingOrFailed }) => allowMissingOrFailed),
  };
}

/** Whether every part is «this provider or no token», of providers that would do alone. */
function isOptionalEach(requirements: readonly JwtRequirement[], providers: readonly string[]): boolean {
  return requirements.length > 0 && requirements.every((requirement) => isOptional(requirement, providers));
}

function isOptional({ requiresType: type }: JwtRequirement, providers: readonly string[]): boolean {
  if (type.case !== 'requiresAny' || type.value.requirements.length !== 2) return false;
  const [first, second] = type.value.requirements.map(({ requiresType }) => requiresType);
  return first?.case === 'providerName' && providers.includes(first.value) && second?.case === 'allowMissing';
}
