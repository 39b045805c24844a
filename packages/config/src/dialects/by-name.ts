/** Resources as a set has them. */
export function byName<Resource extends { readonly name: string }>(
  resources: readonly Resource[],
): Map<string, Resource> {
  const sorted = [...resources].sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(sorted.map((resource) => [resource.name, resource]));
}
