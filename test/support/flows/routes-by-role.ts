import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../clients/api-client.ts";
import { type Row, routeTable } from "../tables/route-table.ts";
import { newPerson, type Person, type Running, register, signIn } from "./main-flow.ts";

export interface Actor extends Person {
  readonly access: string;
  readonly refresh: string;
  readonly session: string;
}

/** What rows may use. */
export interface Scene {
  readonly running: Running;
  /** A user of the tenant, who is only read and mildly changed. */
  readonly target: string;
  /** The id of a tenant. */
  readonly tenant: string;
  /** An access token of the first administrator. */
  rootToken(): Promise<string>;
}

const roles = ["anonymous", "user", "premium", "admin", "vendor"] as const;
type Role = (typeof roles)[number];

/** Sends each row of the table as each role; the client checks each answer against its schema. */
export function describeRoutesByRole(running: () => Running): void {
  let scene: Scene;
  const actors = new Map<Role, Actor>();
  beforeAll(async () => {
    scene = await prepare(running());
    for (const role of roles) actors.set(role, await newActor(running(), role));
  });

  test("the table has every operation of the OpenAPI document, and no other", async () => {
    const read = async (name: string) => (await running().api.get(`/${name}.json`)).body.paths;
    const paths: Record<string, object> = { ...(await read("openapi")), ...(await read("openapi-compatibility")) };
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // They exist only beside an embedded mail server: test/integration/gateway/http.test.ts.
    const wanted = documented.filter((one) => !one.includes(" /dev/mail"));
    expect(Object.keys(routeTable).toSorted()).toEqual(wanted.toSorted());
  });

  describe("every operation answers as the table says", () => {
    test.each(roles)("to %s", async (role) => {
      const wrong: string[] = [];
      for (const [operation, row] of rows) {
        const wanted = row.statuses[roles.indexOf(role)] ?? 0;
        // A request that is refused changes nothing.
        const isFresh = row.fresh === true && wanted !== 401 && wanted !== 403;
        const actor = isFresh ? await newActor(running(), role) : (actors.get(role) as Actor);
        const { status, body } = await ask(running(), scene, { operation, row, actor, role });
        if (status !== wanted) wrong.push(`${operation}: ${status} ${body?.code ?? ""}, not ${wanted}`);
        // A change of a role invalidates the access tokens of the whole tenant.
        if (/DELETE|PUT/.test(operation) && operation.includes("/roles/"))
          for (const one of roles) actors.set(one, await renewed(running(), actors.get(one) as Actor));
      }
      expect(wrong).toEqual([]);
    });
  });
}

const rows = Object.entries(routeTable).flatMap(([operation, row]) =>
  [row].flat().map((one) => [operation, one] as const),
);

interface Question {
  readonly operation: string;
  readonly row: Row;
  readonly actor: Actor;
  readonly role: Role;
}

async function ask({ api }: Running, scene: Scene, { operation, row, actor, role }: Question): Promise<Answer> {
  const [method = "", template = ""] = operation.split(" ");
  const { ids = [], query = "", ...options } = await row.send(scene, actor);
  const path = ids.reduce<string>((filled, id) => filled.replace(/\{\w+\}/, id), template);
  return api.request(method, path + query, { ...options, token: role === "anonymous" ? undefined : actor.access });
}

/** An anonymous actor has an account as well: its requests carry no token. */
async function newActor(running: Running, role: Role): Promise<Actor> {
  const person = await register(running, newPerson(role));
  if (role === "premium") {
    const { access } = await signIn(running, person);
    expect((await running.api.post("users/me/upgrade", {}, access)).status).toBe(200);
  }
  if (role === "admin" || role === "vendor") {
    const root = await signIn(running, running.admin);
    const granted = await running.api.patch(`admin/users/${person.id}`, { roles: [role] }, root.access);
    expect(granted.status).toBe(200);
  }
  return { ...person, ...(await signIn(running, person)) };
}

async function renewed(running: Running, actor: Actor): Promise<Actor> {
  return { ...actor, ...(await signIn(running, actor)) };
}

async function prepare(running: Running): Promise<Scene> {
  const rootToken = async () => (await signIn(running, running.admin)).access;
  const tenants = await running.api.get("admin/tenants", await rootToken());
  return { running, target: (await register(running)).id, tenant: tenants.body.data[0].id, rootToken };
}
