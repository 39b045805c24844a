import { type Document, LineCounter, parseAllDocuments, type YAMLParseError } from 'yaml';
import type { Issue } from './issues.js';
import { locateIn } from './locate.js';
import { type ConfigObject, isRecord, nowhere, type ObjectSource } from './objects.js';
import { readDocument } from './read-document.js';
import type { SourceFile } from './source-file.js';
import { findTextProblem, type TextProblem } from './text-problems.js';

export interface ParsedFile {
  readonly objects: readonly ConfigObject[];
  readonly issues: readonly Issue[];
}

/** More is a mistake: a Kubernetes object is 1.5 MiB at most, and parsing stops everything else for its time. */
const maxBytes = 4 * 1024 * 1024;

/** Aliases may multiply what they stand for by this much before the document is refused. */
const maxAliasCount = 100;

export function parseFile({ path, text, object }: SourceFile): ParsedFile {
  const file = new FileReader(path);
  if (object !== undefined) {
    file.readObject(object);
    return file;
  }
  try {
    file.read(text);
  } catch (cause) {
    file.error(0, messageOf(cause));
  }
  return file;
}

class FileReader implements ParsedFile {
  readonly objects: ConfigObject[] = [];
  readonly issues: Issue[] = [];
  readonly #lines = new LineCounter();
  readonly #options = {
    lineCounter: this.#lines,
    prettyErrors: false,
    // Kubernetes takes `<<`, as YAML 1.1 does.
    merge: true,
    // The parser's own check is quadratic: a map of 100,000 keys would take minutes.
    uniqueKeys: false,
    // Warnings would go to the process, not to us.
    logLevel: 'error',
  } as const;

  constructor(private readonly path: string) {}

  read(text: string): void {
    if (text.length > maxBytes) this.error(0, `is larger than ${maxBytes} bytes (4 MiB)`, 'split the file');
    else for (const document of parseAllDocuments(text, this.#options)) this.#readDocument(document);
  }

  readObject(content: Readonly<Record<string, unknown>>): void {
    this.#take(content, () => nowhere);
  }

  error(offset: number, message: string, hint?: string): void {
    this.#say('error', offset, message, hint);
  }

  #readDocument(document: Document.Parsed): void {
    // After the first error of a document the others are mostly its echo.
    const [error] = document.errors;
    for (const { pos, message } of document.warnings) this.#say('warning', pos[0], message);
    const problem = error === undefined ? findTextProblem(document.contents) : problemOf(error);
    if (problem !== undefined) this.error(problem.offset, problem.message);
    else this.#readContent(document);
  }

  #readContent(document: Document.Parsed): void {
    const start = document.contents?.range?.[0] ?? document.range[0];
    try {
      const content: unknown = document.toJS({ maxAliasCount });
      if (isRecord(content)) this.#readMapping(document, content);
      else if (content !== null) this.error(start, 'a document must be a mapping with apiVersion and kind');
    } catch (cause) {
      this.error(start, messageOf(cause));
    }
  }

  #readMapping(document: Document.Parsed, content: Readonly<Record<string, unknown>>): void {
    this.#take(content, (path) => locateIn(document, path, this.#lines));
  }

  #take(content: Readonly<Record<string, unknown>>, locate: ObjectSource['locate']): void {
    const { objects, problems } = readDocument(content, { file: this.path, locate });
    this.objects.push(...objects);
    for (const { severity, path, message, hint } of problems) {
      const { line, column } = locate(path);
      this.#add(severity, line, column, message, hint);
    }
  }

  #say(severity: Issue['severity'], offset: number, message: string, hint?: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.#add(severity, Math.max(1, line), Math.max(1, col), message, hint);
  }

  #add(severity: Issue['severity'], line: number, column: number, message: string, hint?: string): void {
    const place = { severity, file: this.path, line, column, object: '', field: '', message };
    this.issues.push(hint === undefined ? place : { ...place, hint });
  }
}

const tooDeep = 'is nested too deeply';

function problemOf({ code, message, pos }: YAMLParseError): TextProblem {
  return { offset: pos[0], message: code === 'RESOURCE_EXHAUSTION' ? tooDeep : message };
}

/** The parser is recursive: what overflows its stack is no configuration. */
function messageOf(cause: unknown): string {
  if (cause instanceof RangeError) return tooDeep;
  return cause instanceof Error ? cause.message : String(cause);
}
