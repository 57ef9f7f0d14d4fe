import { createClient, memoryStorage, UsermeshError, type UsermeshOptions } from "@usermesh/client";

/** What an application does, run with the packed package. Prints what it saw as JSON, for test/integration/typed-client.test.ts. */
const env = (globalThis as unknown as { process: { env: Record<string, string> } }).process.env;
const url = env.USERMESH_URL ?? "";
const credentials = { email: env.EMAIL ?? "", password: "Difference-Engine-1" };
const ME = "/api/v1/users/me";
const seen: Record<string, unknown> = {};

/** Counts requests by path, and keeps the cookies that Node.js would not. */
function recordingFetch(fail: (path: string) => "before" | "after" | undefined = () => undefined) {
  const counts: Record<string, number> = {};
  const jar = new Map<string, string>();
  let replayed = 0;
  const send: typeof fetch = async (input, init) => {
    const path = new URL(String(input)).pathname;
    counts[path] = (counts[path] ?? 0) + 1;
    const outcome = fail(path);
    if (outcome === "before") throw new TypeError("fetch failed");
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const headers = init?.credentials === "include" ? { ...init.headers, cookie } : init?.headers;
    const response = await fetch(input, { ...init, ...(headers && { headers }) });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = line.split(";")[0]?.split("=") ?? [];
      jar.set(name, value);
    }
    if (response.headers.get("idempotency-replayed")) replayed += 1;
    if (outcome === "after") throw new TypeError("terminated");
    return response;
  };
  return { send, counts, jar, replayed: () => replayed };
}

const client = (options: Partial<UsermeshOptions> = {}) => createClient({ url, ...options });
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error) => (error instanceof UsermeshError ? error.code : String(error)),
  );

// Registration, sign-in and typed results.
const recorded = recordingFetch();
const ended: string[] = [];
const ada = client({ fetch: recorded.send, onSignedOut: (code) => ended.push(code) });
const registered = await ada.request("post", "/api/v1/auth/register", { body: { ...credentials, full_name: "Ada" } });
seen.registered = registered.status;
seen.signedIn = (await ada.signIn(credentials)).email === credentials.email;
const profile = await ada.patch("/api/v1/users/me/profile", { body: { headline: "Programmer", skills: ["analysis"] } });
seen.headline = profile.headline satisfies string | null;
seen.refused = await codeOf(ada.patch(ME, { body: { username: "x" } }));
const sessions = await ada.request("get", "/api/v1/auth/sessions");
seen.sessions = [sessions.data.length, sessions.meta.total];

// Five requests with a stale token: one refresh.
await ada.post("/api/v1/users/me/upgrade", { body: {} });
const tiers = await Promise.all(Array.from({ length: 5 }, async () => (await ada.get(ME)).subscription.tier));
seen.tiers = tiers;
seen.refreshes = recorded.counts["/api/v1/auth/refresh"];

// Two tabs with one storage: the second finds that the first has refreshed.
const shared = memoryStorage();
const tabs = [recordingFetch(), recordingFetch()] as const;
const [one, other] = tabs.map(({ send }) => client({ fetch: send, storage: shared })) as [typeof ada, typeof ada];
await one.signIn(credentials);
await one.post("/api/v1/users/me/downgrade");
await Promise.all([one.get(ME), other.get(ME)]);
seen.refreshesOfTabs = tabs.reduce((sum, { counts }) => sum + (counts["/api/v1/auth/refresh"] ?? 0), 0);

// An answer that is lost on its way: the repetition gets the first one.
const outcomes = ["after", "before"] as const;
let attempts = 0;
const unlucky = recordingFetch((path) => (path === ME ? outcomes[attempts++] : undefined));
const lucky = client({ fetch: unlucky.send });
await lucky.signIn(credentials);
seen.company = (await lucky.patch(ME, { body: { company: "Analytical Engines" } })).company;
seen.attempts = [unlucky.counts[ME], unlucky.replayed()];

// Cookies: no token in reach of the program, and a CSRF token that is sent.
const browser = recordingFetch();
const cookies = client({ fetch: browser.send, transport: "cookies" });
await cookies.signIn(credentials);
seen.cookies = [
  cookies.accessToken(),
  browser.jar.has("access_token"),
  (await cookies.get(ME)).email === credentials.email,
];
seen.withCsrf = (await cookies.patch(ME, { body: { location: "London" } })).location;
await cookies.refresh();
seen.afterRefresh = (await cookies.get(ME)).location;
await cookies.signOut();
seen.signedOut = [cookies.isSignedIn(), await codeOf(cookies.get(ME))];

// A session that somebody ends elsewhere: an event, then the callback.
const events: string[] = [];
const listening = (async () => {
  for await (const event of ada.events()) events.push(event.code);
})();
await new Promise((resolve) => setTimeout(resolve, 300));
await one.post("/api/v1/auth/logout-all");
await listening;
seen.events = [events, ended, ada.isSignedIn()];
console.log(JSON.stringify(seen));
