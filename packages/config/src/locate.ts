import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import type { FieldPath, FieldStep, Position } from './objects.js';

/** The line of a field's name, or of an item of a list; of the nearest one above it when it is not written itself. */
export function locateIn(document: Document.Parsed, path: FieldPath, lines: LineCounter): Position {
  let node: Node | null | undefined = document.contents;
  let offset = node?.range?.[0] ?? document.range[0];
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    const entry = findEntry(node, step);
    if (entry === undefined) break;
    offset = entry.offset ?? offset;
    node = entry.value;
  }
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

interface Entry {
  readonly offset: number | undefined;
  readonly value: Node | undefined;
}

function findEntry(node: Node | null | undefined, step: FieldStep): Entry | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step];
    return isNode(item) ? { offset: item.range?.[0], value: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => keyOf(item) === step);
  return pair && { offset: offsetOf(pair.key), value: isNode(pair.value) ? pair.value : undefined };
}

function keyOf({ key }: Pair): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function offsetOf(key: unknown): number | undefined {
  return isNode(key) ? key.range?.[0] : undefined;
}
