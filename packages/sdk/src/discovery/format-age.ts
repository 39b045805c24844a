const units = [
  ['day', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** In the largest unit that it has one of, e.g. `3 h`. */
export function formatAge(ms: number): string {
  const [unit, size] = units.find(([, length]) => ms >= length) ?? ['s', 1000];
  const count = Math.floor(ms / size);
  return `${count} ${unit === 'day' && count > 1 ? 'days' : unit}`;
}
