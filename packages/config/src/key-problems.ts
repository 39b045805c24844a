import { isScalar, type Node, type Pair, visit } from 'yaml';

export interface KeyProblem {
  readonly offset: number;
  readonly message: string;
}

/** The first key of a document that is no text, or that its mapping has twice; merge keys (`<<`) may repeat. */
export function findKeyProblem(contents: Node | null): KeyProblem | undefined {
  let found: KeyProblem | undefined;
  visit(contents, {
    Map(_, { items, range }) {
      found = problemOfKeys(items, range?.[0] ?? 0);
      return found === undefined ? undefined : visit.BREAK;
    },
  });
  return found;
}

function problemOfKeys(items: readonly Pair[], start: number): KeyProblem | undefined {
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
