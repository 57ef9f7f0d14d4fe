import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { searchWords } from "../core/search-text.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { searchPeople as find, type Search } from "./people.repo.ts";
import { viewerOf, viewPerson } from "./view-person.ts";

type Page = Actions["users.search"]["result"];
type Query = {
  readonly q?: string | undefined;
  readonly industry?: string | undefined;
  readonly location?: string | undefined;
  readonly skills?: string | undefined;
  readonly page: number;
  readonly limit: number;
};

/** People of the caller's tenant whose privacy settings allow it, best match first; without search words newest first. */
export async function searchPeople({ db }: Pick<UsersDeps, "db">, ctx: ActionContext<Query>): Promise<Page> {
  const { page, limit } = ctx.params;
  const search = searchOf(ctx);
  const { total, people } = search ? await find(db, search) : { total: 0, people: [] };
  return { items: people.map(viewPerson), total, page, limit, next_cursor: null };
}

/** Null if no word contains a letter or digit: nothing can match, and the index would be read completely. */
function searchOf(ctx: ActionContext<Query>): Search | null {
  const { q = "", industry, location, skills = "", page, limit } = ctx.params;
  const allWords = searchWords(q);
  const words = allWords.filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (allWords.length > 0 && words.length === 0) return null;
  return {
    viewer: viewerOf(ctx),
    words,
    industry: trimToNull(industry),
    location: trimToNull(location),
    skills: skills.split(",").flatMap((skill) => trimToNull(skill) ?? []),
    limit,
    offset: (page - 1) * limit,
  };
}

function trimToNull(text: string | undefined): string | null {
  return text?.replace(/\p{Cc}/gu, " ").trim() || null;
}
