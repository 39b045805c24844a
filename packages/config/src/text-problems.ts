import { type Alias, isCollection, isScalar, type Node, type Pair, visit } from 'yaml';

export interface TextProblem {
  readonly offset: number;
  readonly message: string;
}

/**
 * The first key of a document that is no text, or that its mapping has twice; merge keys (`<<`) may repeat. Or the first
 * alias within its own anchor, which would make an object without an end.
 */
export function findTextProblem(contents: Node | null): TextProblem | undefined {
  let found: TextProblem | undefined;
  visit(contents, {
    Map(_, { items, range }) {
      found = problemOfKeys(items, range?.[0] ?? 0);
      return found === undefined ? undefined : visit.BREAK;
    },
    Alias(_, alias, path) {
      found = problemOfAlias(alias, path);
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function problemOfAlias({ source, range }: Alias, path: readonly unknown[]): TextProblem | undefined {
  if (!path.some((node) => isCollection(node) && node.anchor === source)) return undefined;
  return { offset: range?.[0] ?? 0, message: `"*${source}" stands within "&${source}": it would have no end` };
}

function problemOfKeys(items: readonly Pair[], start: number): TextProblem | undefined {
  const keys = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) {
      return { offset: start, message: 'a key must be a text; what is in {{ }} has to be rendered first, as by helm' };
    }
    const name = String(key.value);
    if (keys.has(name) && key.source !== '<<') {
      return { offset: key.range?.[0] ?? start, message: `the key "${name}" is there twice` };
    }
    keys.add(name);
  }
  return undefined;
}
