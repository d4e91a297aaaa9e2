/** A search text with `*` as a wildcard, for lower-case values; undefined matches everything. */
export function wildcard(text: string | undefined): RegExp {
  if (text === undefined) return /(?:)/u;
  const literal = (part: string): string => part.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&');
  return new RegExp(`^${text.toLowerCase().split('*').map(literal).join('.*')}$`, 'u');
}

/** The rows that a search asks for by `startRow` and `numberOfResults`, by default the first 25. */
export function page<Item>(items: readonly Item[], criteria: Record<string, unknown>): Item[] {
  const start = rowNumber(criteria['startRow'], 0);
  return items.slice(start, start + rowNumber(criteria['numberOfResults'], 25));
}

function rowNumber(value: unknown, fallback: number): number {
  const number = Number(value ?? fallback);
  return Number.isSafeInteger(number) && number >= 0 ? number : fallback;
}
