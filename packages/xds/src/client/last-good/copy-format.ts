import { createHash, hash } from 'node:crypto';
import { type ResourceKind, resourceKinds } from '../../resources/type-urls.js';

/** One resource as the server sent it. */
export interface KeptResource {
  readonly kind: ResourceKind;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** Of a listener there may be nothing but its name. */
export type CopiedResource = KeptResource | { readonly kind: 'withheld listener'; readonly name: string };

/** Whose configuration it is, and since when. */
export interface CopyHeader {
  readonly identity: string;
  readonly savedAtMs: number;
}

const title = 'inmesh: last good configuration';
const format = 1;

/** Lines of JSON: a header, the resources, and a checksum of all before it, by which a cut or damaged file is known. */
export function* writeCopy(header: CopyHeader, resources: Iterable<CopiedResource>): Generator<string> {
  const checksum = createHash('sha256');
  const line = (value: unknown) => {
    const text = `${JSON.stringify(value)}\n`;
    checksum.update(text);
    return text;
  };
  yield line({ title, format, ...header });
  for (const resource of resources) yield line(fieldsOf(resource));
  yield `${JSON.stringify({ sha256: checksum.digest('hex') })}\n`;
}

function fieldsOf(resource: CopiedResource): string[] {
  if (resource.kind === 'withheld listener') return [resource.kind, resource.name];
  const { kind, version, bytes } = resource;
  return [kind, version, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')];
}

/** @throws Error that says what is wrong with the file */
export function readCopy(content: Buffer): {
  readonly header: CopyHeader;
  readonly resources: Iterable<CopiedResource>;
} {
  const endOfHeader = content.indexOf('\n') + 1;
  const header = readHeader(content.subarray(0, endOfHeader).toString());
  const body = content.lastIndexOf('\n', content.length - 2) + 1;
  const checksum = JSON.stringify({ sha256: hash('sha256', content.subarray(0, body), 'hex') });
  if (content.subarray(body).toString() !== `${checksum}\n`) throw new Error('it is damaged or cut off');
  return { header, resources: readResources(content.subarray(endOfHeader, body)) };
}

function readHeader(line: string): CopyHeader {
  let header: Partial<CopyHeader & { title: string; format: number }>;
  try {
    header = JSON.parse(line) ?? {};
  } catch {
    header = {};
  }
  const { identity, savedAtMs } = header;
  if (header.title !== title || typeof identity !== 'string' || typeof savedAtMs !== 'number') {
    throw new Error('it is not a file that inmesh wrote');
  }
  if (header.format !== format) throw new Error(`its format is ${header.format}, and only ${format} is known`);
  return { identity, savedAtMs };
}

/** The checksum was right, so the lines are as they were written; a version of inmesh may have written other ones. */
function* readResources(body: Buffer): Generator<CopiedResource> {
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf('\n', start);
    const [kind, second, bytes = ''] = JSON.parse(body.subarray(start, end).toString()) as [string, string, string?];
    const known = resourceKinds.find((one) => one === kind);
    if (known !== undefined) yield { kind: known, version: second, bytes: Buffer.from(bytes, 'base64') };
    else if (kind === 'withheld listener') yield { kind, name: second };
    start = end + 1;
  }
}
