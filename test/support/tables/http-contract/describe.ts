import { expect, test } from "@jest/globals";
import { type Running, register, signIn } from "../../flows/main-flow.ts";
import { adminRows, authRows, systemRows, userRows } from "./own-rows.ts";
import type { As } from "./row.ts";
import { seedRows } from "./seed-rows.ts";

/** The public API by heart: what is gone from the table of routes, or answers otherwise, breaks a client. */
export function describeHttpContract(running: () => Running): void {
  const walked = new Set(alsoInvalidate.map(nameless));
  const actor = { email: "", password: "", id: "", access: "", refresh: "", session: "" };
  const become = async () => {
    Object.assign(actor, await register(running()));
    await again();
  };
  const again = async () => void Object.assign(actor, await signIn(running(), actor));
  const context = { running, actor, become, again };
  const tokenOf = async (as: As) => {
    if (as === "nobody") return undefined;
    return as === "person" ? actor.access : (await signIn(running(), running().admin)).access;
  };

  test.each([
    ["accounts and sign-in", authRows],
    ["users", userRows],
    ["administration", adminRows],
    ["the system", systemRows],
    ["earlier systems", seedRows],
  ] as const)(
    "%s: every route is documented, and answers as it is",
    async (_, rowsOf) => {
      const documented = await documentedRoutes(running());
      await become();
      for (const [as, route, status, sent] of rowsOf(context)) {
        expect([route, documented.has(nameless(route))]).toEqual([route, true]);
        walked.add(nameless(route));
        const { path = [], query = "", ...options } = (await sent?.()) ?? {};
        const [method = "", template = ""] = route.split(" ");
        const places = [...path];
        const target = template.replace(/\{\w+\}/g, () => places.shift() ?? "missing") + query;
        const answer = await running().api.request(method, target, { ...options, token: await tokenOf(as) });
        expect([route, answer.status, answer.body?.code]).toEqual([route, status, answer.body?.code]);
        const { access_token, refresh_token } = answer.body?.data ?? {};
        if (access_token && as !== "vendor") Object.assign(actor, { access: access_token, refresh: refresh_token });
      }
    },
    120_000,
  );

  test("no route is there that is not in here", async () => {
    const documented = await documentedRoutes(running());
    expect([...documented].filter((route) => !walked.has(route))).toEqual([]);
  });
}

/** Named by what other routes answer. */
const alsoInvalidate = ["GET /dev/mail", "GET /avatars/{image}", "GET /assets/{file}"];

/** What a place of the path is called is nobody's business. */
const nameless = (route: string) => route.replace(/\{\w+\}/g, "{}").replace(/(?<=.)\/$/, "");

async function documentedRoutes({ api }: Running): Promise<ReadonlySet<string>> {
  const { body } = await api.get("/openapi.json");
  const routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => nameless(`${method.toUpperCase()} ${path}`)),
  );
  return new Set(routes);
}
