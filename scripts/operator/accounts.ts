import type { Actions } from "../../lib/actions/typed-call.ts";
import type { Operator } from "./operator.ts";

export type User = Actions["users.adminGet"]["result"];
export type Tenant = Actions["users.tenant"]["result"];
type Query = Actions["users.list"]["params"];

const PAGE = 100;
/** A search without a tenant asks each of them. */
const MAX_TENANTS = 100;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function listTenants({ call }: Operator): Promise<Tenant[]> {
  const { items, total } = await call("users.tenants", { page: 1, limit: PAGE });
  if ((total ?? 0) > MAX_TENANTS)
    throw new Error(`There are ${total} tenants. Say which one is meant with --tenant <slug>.`);
  return items;
}

/** The tenant with this slug, or without one all of them. */
export async function chooseTenants(operator: Operator, slug: unknown): Promise<Tenant[]> {
  if (typeof slug !== "string") return listTenants(operator);
  return [await findTenant(operator, slug)];
}

async function findTenant({ call }: Operator, slug: string): Promise<Tenant> {
  for (let page = 1; ; page += 1) {
    const { items } = await call("users.tenants", { page, limit: PAGE });
    const found = items.find((tenant) => tenant.slug === slug);
    if (found) return found;
    if (items.length < PAGE) throw new Error(`There is no tenant ${slug}. \`tenants\` lists them.`);
  }
}

export async function searchUsers({ call }: Operator, tenants: readonly Tenant[], query: Query): Promise<User[]> {
  const pages = await Promise.all(tenants.map((tenant) => call("users.list", query, tenant.id)));
  return pages.flatMap((page) => page.items);
}

/** The one account that an id, an email address or a username names, deleted ones included. */
export async function resolveUser(operator: Operator, who: string, slug: unknown): Promise<User> {
  if (UUID.test(who)) return getById(operator, who);
  const tenants = await chooseTenants(operator, slug);
  const search = (status: Query["status"]) =>
    searchUsers(operator, tenants, {
      page: 1,
      limit: PAGE,
      search: who,
      sort: "-created_at",
      ...(status && { status }),
    });
  const found = [...(await search(undefined)), ...(await search("deleted"))];
  const isNamed = ({ email, username }: User) =>
    [email, username].some((one) => one?.toLowerCase() === who.toLowerCase());
  const [user, ...others] = found.filter(isNamed);
  if (!user)
    throw new Error(`No account has the id, email or username ${who}. \`users find\` searches for parts of it.`);
  if (others.length > 0)
    throw new Error(
      `${others.length + 1} tenants have an account ${who}. Say which one is meant with --tenant <slug>.`,
    );
  return user;
}

async function getById({ call }: Operator, id: string): Promise<User> {
  const user = await call("users.get", { id });
  if (!user) throw new Error(`There is no account ${id}.`);
  return user;
}

export function statusOf({ deleted_at, is_active, is_verified }: User): string {
  if (deleted_at !== null) return "deleted";
  if (!is_active) return "disabled";
  return is_verified ? "active" : "unverified";
}

/** To the minute, in UTC. */
export function shortTime(iso: string | null): string | null {
  return iso === null ? null : iso.slice(0, 16).replace("T", " ");
}
