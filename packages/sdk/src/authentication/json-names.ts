const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

/** Whether some object of a text that is known to be JSON, at any depth, has the same name twice. */
export function repeatsName(json: string): boolean {
  const open: Set<unknown>[] = [];
  for (const [token, colon] of json.matchAll(tokens)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      const names = open.at(-1)!;
      // Escapes are another way to write the same.
      const name: unknown = JSON.parse(token.slice(0, -colon.length));
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}
