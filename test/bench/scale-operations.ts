import { password, type ScaledSystem } from "./scale-system.ts";

interface Operation {
  readonly name: string;
  /** Of the last over the first, or of the last alone. */
  readonly goal: string;
  run(system: ScaledSystem, round: number): Promise<unknown>;
}

export interface Measured {
  readonly operation: Operation;
  /** Milliseconds, one for each size. */
  readonly medians: readonly number[];
}

const RATIO = { point: "≤ 1.2", page: "≤ 1.5" };
const SEARCH = "≤ 50 ms";

const get =
  (path: string) =>
  (system: ScaledSystem): Promise<unknown> =>
    system.request("GET", path);

function personAt({ people }: ScaledSystem, round: number) {
  const person = people[round % people.length];
  if (!person) throw new Error("There is nobody");
  return person;
}

async function signIn(system: ScaledSystem, round: number): Promise<void> {
  const { email } = personAt(system, round);
  const data = await system.request("POST", "auth/login", { email, password });
  system.refreshTokens.push((data as { refresh_token: string }).refresh_token);
}

export const operations: readonly Operation[] = [
  {
    name: "an account by id",
    goal: RATIO.point,
    run: (system, round) => system.request("GET", `admin/users/${personAt(system, round).id}`),
  },
  // It writes to pages that nobody has touched since the last checkpoint, which PostgreSQL copies whole into its log: among
  // a thousand accounts there are few such pages, among a million each is one.
  { name: "first sign-in (bcrypt cost 4)", goal: "", run: signIn },
  { name: "sign-in of somebody seen before", goal: RATIO.point, run: signIn },
  {
    name: "refresh",
    goal: RATIO.point,
    async run(system) {
      await system.request("POST", "auth/refresh", { refresh_token: system.refreshTokens.pop() });
    },
  },
  { name: "list of accounts, page 1", goal: RATIO.page, run: get("admin/users") },
  {
    name: "list of accounts, page 1,000 by cursor",
    goal: RATIO.page,
    run: (system) => system.request("GET", `admin/users?cursor=${system.deepCursor}`),
  },
  { name: "list by last sign-in", goal: RATIO.page, run: get("admin/users?sort=-last_login_at") },
  { name: "list of the disabled", goal: RATIO.page, run: get("admin/users?status=inactive") },
  {
    name: "list of the verified, oldest first",
    goal: RATIO.page,
    run: get("admin/users?status=verified&sort=created_at"),
  },
  { name: "list of administrators", goal: RATIO.page, run: get("admin/users?role=admin") },
  { name: "list, searched for a rare name", goal: SEARCH, run: get("admin/users?search=zephyrine") },
  { name: "list, searched for a common name", goal: SEARCH, run: get("admin/users?search=zimmermann") },
  { name: "people, a rare name with a wrong letter", goal: SEARCH, run: get("users/search?q=zephirine") },
  { name: "people, a common name with a wrong letter", goal: SEARCH, run: get("users/search?q=zimmermenn") },
  { name: "people, two words with a wrong letter", goal: SEARCH, run: get("users/search?q=yuki%20zimmermenn") },
  { name: "people, by skill and place", goal: SEARCH, run: get("users/search?skills=Rust&location=oslo") },
  { name: "figures of the installation", goal: RATIO.page, run: get("admin/metrics") },
  { name: "activity of the tenant, page 1", goal: RATIO.page, run: get("admin/activity") },
  { name: "activity of the tenant by action", goal: RATIO.page, run: get("admin/activity?action=password.changed") },
  {
    name: "activity by actor",
    goal: RATIO.page,
    run: (system, round) => system.request("GET", `admin/activity?actor=${personAt(system, round).id}`),
  },
];
