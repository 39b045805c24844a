import type { PathTemplate } from '@inmesh/core';
import { type TypedExtensionConfig, UriTemplateMatchConfigSchema } from '../messages.js';
import { FieldScope } from './field-scope.js';
import { anyCase, compileProgram } from './regex.js';
import { unpackStrictly } from './unknown-fields.js';
import { anyIs } from './unpack-any.js';

/** What may stand in a segment (RFC 3986 `pchar`), of which `*` and `=` are left out as Envoy does. */
const segmentCharacters = "a-zA-Z0-9\\-._~%!$&'()+,;:@";

/** Envoy's limit (uri_template_match.proto). */
const maxLength = 256;

/** Envoy `uri_template`: `*` is one segment that is not empty, `**` any number of them with nothing else open after it. */
export function decodePathTemplate({ typedConfig }: TypedExtensionConfig, at: FieldScope): PathTemplate | undefined {
  const scope = at.field('typed_config');
  if (typedConfig === undefined) return scope.error('is missing');
  if (!anyIs(typedConfig, UriTemplateMatchConfigSchema)) {
    return scope.error(`"${typedConfig.typeUrl}" is not supported: only ${UriTemplateMatchConfigSchema.typeName} is`);
  }
  const config = unpackStrictly(typedConfig, UriTemplateMatchConfigSchema, scope);
  return config && compileTemplate(config.pathTemplate, scope.field('path_template'));
}

/** What is wrong with a template, in Envoy's form. */
export function pathTemplateProblem(template: string): string | undefined {
  const result = FieldScope.collect((at) => compileTemplate(template, at));
  return result.ok ? undefined : result.errors[0]?.message;
}

function compileTemplate(template: string, at: FieldScope): PathTemplate | undefined {
  if (!template.startsWith('/') || template.length > maxLength) {
    return at.error(`"${template.slice(0, maxLength)}" must begin with "/" and have at most ${maxLength} characters`);
  }
  // `{name}` only names what `*` matches.
  const plain = template.replaceAll(
    /\{[a-zA-Z]\w*(?:=([^{}]*))?\}/g,
    (_, pattern: string | undefined) => pattern ?? '*',
  );
  const segments = plain.slice(1).split('/');
  const bad = segments.find((segment, index) => !isSegment(segment, index === segments.length - 1));
  if (bad !== undefined) {
    return at.error(`"${template}" has the segment "${bad}", which is no text, "*" or "**" and no variable of them`);
  }
  const rest = segments.indexOf('**');
  if (rest >= 0 && segments.slice(rest + 1).some((segment) => segment.startsWith('*'))) {
    return at.error(`"${template}" has a "*" after "**"`);
  }
  const source = `/${segments.map(patternOf).join('/')}`;
  const program = compileProgram(source);
  if (typeof program === 'string') return at.error(program);
  return { template, matches: (path) => program.matches(path), matchesAnyCase: anyCase(source) };
}

function isSegment(segment: string, isLast: boolean): boolean {
  if (segment === '*' || segment === '**') return true;
  return segment === '' ? isLast : literal.test(segment);
}

const literal = new RegExp(`^[${segmentCharacters}]+$`);

function patternOf(segment: string): string {
  if (segment === '*') return `[${segmentCharacters}]+`;
  if (segment === '**') return `[${segmentCharacters}/]*`;
  return segment.replaceAll(/[$().+]/g, '\\$&');
}
