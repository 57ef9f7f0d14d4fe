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

/** People of the caller's tenant who let themselves be found, the best match first; without words the newest. */
export async function searchPeople({ db }: Pick<UsersDeps, "db">, ctx: ActionContext<Query>): Promise<Page> {
  const { page, limit } = ctx.params;
  const search = searchOf(ctx);
  // Words that no name can hold, as `+`, find nobody, and would make the index read all it has.
  const nothing = { total: 0, people: [] };
  const { total, people } = search ? await find(db, search) : nothing;
  return { items: people.map(viewPerson), total, page, limit, next_cursor: null };
}

function searchOf(ctx: ActionContext<Query>): Search | null {
  const { q = "", industry, location, skills = "", page, limit } = ctx.params;
  const asked = searchWords(q);
  const words = asked.filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (asked.length > 0 && words.length === 0) return null;
  return {
    viewer: viewerOf(ctx),
    words,
    industry: trimmed(industry),
    location: trimmed(location),
    skills: skills.split(",").flatMap((skill) => trimmed(skill) ?? []),
    limit,
    offset: (page - 1) * limit,
  };
}

function trimmed(text: string | undefined): string | null {
  return text?.replace(/\p{Cc}/gu, " ").trim() || null;
}
