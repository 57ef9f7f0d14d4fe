/** What a search looks through, in one text. */
export interface Searchable {
  readonly full_name: string | null;
  readonly username: string | null;
  readonly email: string;
  readonly current_title: string | null;
  readonly company: string | null;
}

/** Kept beside the account by each write of one of these fields. Without case by JavaScript's rules, as the unique keys are. */
export function searchText({ full_name, username, email, current_title, company }: Searchable): string {
  return foldForSearch([full_name, username, email, current_title, company].filter((part) => part !== null).join("\n"));
}

/** The words of a query, each of which must be found. More than six narrow nothing down and cost a scan each. */
export function searchWords(query: string): string[] {
  return foldForSearch(query.replace(/\p{Cc}/gu, " "))
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, 6);
}

function foldForSearch(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
