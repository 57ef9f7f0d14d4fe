/** The words of a query, all of which must match. A seventh word would hardly narrow the result and costs another scan. */
export function searchWords(query: string): string[] {
  return foldForSearch(query.replace(/\p{Cc}/gu, " "))
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, 6);
}

/** Case is removed by JavaScript's rules, as in the unique keys; PostgreSQL's differ for some letters. */
export function foldForSearch(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
