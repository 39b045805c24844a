import type { HeaderValuePart } from '@inmesh/core';

type BareKind = Exclude<HeaderValuePart['kind'], 'text' | 'requestHeader' | 'responseHeader'>;

const bareCommands: ReadonlyMap<string, BareKind> = new Map([
  ['UPSTREAM_HOST', 'upstreamHost'],
  ['UPSTREAM_CLUSTER', 'upstreamCluster'],
  ['ROUTE_NAME', 'routeName'],
  ['PROTOCOL', 'protocol'],
  ['RESPONSE_CODE', 'responseCode'],
  ['RESPONSE_FLAGS', 'responseFlags'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'sourceAddress'],
  ['HOSTNAME', 'hostname'],
]);

const known = ['REQ(name)', 'RESP(name)', ...bareCommands.keys()].join(', ');

/** What is wrong, to be put behind the name of the field, or the parts. */
export type TemplateResult = readonly HeaderValuePart[] | string;

/** Splits a value at its commands (Envoy access log format strings, `%REQ(name?alternative):length%`); `%%` is a `%`. */
export function parseHeaderValue(written: string): TemplateResult {
  const parts: HeaderValuePart[] = [];
  let text = '';
  for (const [token] of written.matchAll(/%[^%]*%?|[^%]+/g)) {
    if (!token.startsWith('%')) text += token;
    else if (token === '%%') text += '%';
    else {
      const part = parseCommand(token);
      if (typeof part === 'string') return part;
      if (text !== '') parts.push({ kind: 'text', text });
      text = '';
      parts.push(part);
    }
  }
  return text === '' ? parts : [...parts, { kind: 'text', text }];
}

function parseCommand(token: string): HeaderValuePart | string {
  if (token.length < 2 || !token.endsWith('%'))
    return `"${token}" begins a command that does not end; write %% for a %`;
  const command = token.slice(1, -1);
  const kind = bareCommands.get(command);
  return kind === undefined ? parseHeaderCommand(command) : { kind };
}

function parseHeaderCommand(command: string): HeaderValuePart | string {
  const found = /^(?<side>REQ|RESP)\((?<names>[^()]*)\)(?::(?<length>\d+))?$/.exec(command)?.groups;
  if (found === undefined) return `command "%${command}%" is not supported; there are ${known}`;
  const [name = '', alternative, ...more] = (found.names ?? '').toLowerCase().split('?');
  if (name === '' || more.length > 0) return `"%${command}%" should name one header and at most one alternative`;
  return {
    kind: found.side === 'REQ' ? 'requestHeader' : 'responseHeader',
    name,
    alternative: alternative === '' ? undefined : alternative,
    maxLength: found.length === undefined ? undefined : Number(found.length),
  };
}
