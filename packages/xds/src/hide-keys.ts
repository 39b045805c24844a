/** Of the alphabet of base64. A line of PEM has 64. V8 overflows its stack over `{40,}` and a word of 10 MB. */
const longWord = /[A-Za-z0-9+/=]{40}[A-Za-z0-9+/=]*/g;

/**
 * A text without what may be key material. Problems are told by quoting what is wrong, be it a broken file or a resource
 * that a client refuses, and a key can stand anywhere in it.
 */
export function hideKeys(text: string): string {
  return text.replace(longWord, (word) => (isRandom(word) ? '(hidden)' : word));
}

/** Unlike names, which have no upper case, and paths, which are nearly all made of short words. */
function isRandom(word: string): boolean {
  const slashes = word.split('/').length - 1;
  return /[A-Z]/.test(word) && /[a-z]/.test(word) && /\d/.test(word) && slashes * 12 < word.length;
}
