/** One text for each option that is none: without TypeScript a misspelled one would pass without a word. */
export function unknownOptions(options: object, known: readonly string[]): string[] {
  return Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) => `${name}: no such option; there are ${known.join(', ')}`);
}
