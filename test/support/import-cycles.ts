/** The cycles of a graph, each as the list of its nodes in order, beginning at the first one alphabetically. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const trail: string[] = [];

  const walk = (node: string): void => {
    const start = trail.indexOf(node);
    if (start >= 0) cycles.push(fromSmallest(trail.slice(start)));
    if (start >= 0 || finished.has(node)) return;
    trail.push(node);
    for (const next of graph.get(node) ?? []) walk(next);
    trail.pop();
    finished.add(node);
  };

  for (const node of [...graph.keys()].sort()) walk(node);
  return cycles;
}

function fromSmallest(cycle: string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? '');
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
