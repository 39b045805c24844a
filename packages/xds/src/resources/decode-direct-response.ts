import type { DirectResponseAction as DirectResponseModel } from '@inmesh/core';
import type { DirectResponseAction } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

export function decodeDirectResponse({ status, body }: DirectResponseAction, at: FieldScope): DirectResponseModel {
  if (status < 200 || status > 599) at.field('status').error(`${status} is not between 200 and 599`);
  return { kind: 'directResponse', httpStatus: status, body: decodeBody(body, at.field('body')) };
}

function decodeBody(body: DirectResponseAction['body'], at: FieldScope): string {
  if (body === undefined) return '';
  reportUnsupported(body, at);
  if (body.specifier.case === 'inlineString') return body.specifier.value;
  return body.specifier.case === 'inlineBytes' ? Buffer.from(body.specifier.value).toString('utf8') : '';
}
