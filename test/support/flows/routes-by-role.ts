import { beforeAll, describe, expect, test } from "@jest/globals";
import sharp from "sharp";
import type { Answer } from "../clients/api-client.ts";
import { type Row, routeTable } from "../tables/route-table.ts";
import { newPerson, type Person, type Running, register, signIn } from "./main-flow.ts";

export interface Actor extends Person {
  readonly access: string;
  readonly refresh: string;
  readonly session: string;
}

/** What rows may name. */
export interface Scene {
  /** A user of the tenant to whom nothing but reading and mild changes is done. */
  readonly target: string;
  /** Id of a tenant. */
  readonly tenant: string;
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly admin: { post(path: string, body: object): Promise<Answer> };
  /** A user for this row alone. */
  person(): Promise<{ readonly id: string }>;
}

const roles = ["anonymous", "user", "premium", "admin", "vendor"] as const;
type Role = (typeof roles)[number];

const perRole = 60_000;

/** Each row of the table, as each role, on a running installation; the client holds each answer against its schema. */
export function describeRoutesByRole(running: () => Running): void {
  let scene: Scene;
  const actors = new Map<Role, Actor>();
  beforeAll(async () => {
    scene = await prepare(running());
    for (const role of roles) actors.set(role, await newActor(running(), role));
  }, perRole);

  test("the table has every operation of the OpenAPI document, and no other", async () => {
    const { body } = await running().api.get("/openapi.json");
    const documented = Object.entries(body.paths as Record<string, object>).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // Of an embedded mail server, which is not everywhere: test/integration/gateway/http.test.ts.
    const wanted = documented.filter((one) => one !== "GET /dev/mail");
    expect(Object.keys(routeTable).toSorted()).toEqual(wanted.toSorted());
  });

  describe("every operation answers as the table says", () => {
    test.each(roles)(
      "to %s",
      async (role) => {
        const wrong: string[] = [];
        for (const [operation, row] of Object.entries(routeTable)) {
          const actor = row.fresh ? await newActor(running(), role) : (actors.get(role) as Actor);
          const { status, body } = await ask(running(), scene, { operation, row, actor, role });
          const wanted = row.statuses[roles.indexOf(role)];
          if (status !== wanted) wrong.push(`${operation}: ${status} ${body?.code ?? ""}, not ${wanted}`);
          // Whoever changes a role outdates the tokens of the whole tenant.
          if (/DELETE|PUT/.test(operation) && operation.includes("/roles/"))
            for (const one of roles) actors.set(one, await renewed(running(), actors.get(one) as Actor));
        }
        expect(wrong).toEqual([]);
      },
      perRole,
    );
  });
}

interface Question {
  readonly operation: string;
  readonly row: Row;
  readonly actor: Actor;
  readonly role: Role;
}

async function ask({ api }: Running, scene: Scene, { operation, row, actor, role }: Question): Promise<Answer> {
  const [method = "", template = ""] = operation.split(" ");
  const { ids = [], ...options } = await row.send(scene, actor);
  const path = ids.reduce<string>((filled, id) => filled.replace(/\{\w+\}/, id), template);
  return api.request(method, path, { ...options, token: role === "anonymous" ? undefined : actor.access });
}

/** Who is anonymous has an account, too: only he does not say so. */
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
  const root = () => signIn(running, running.admin);
  const { api } = running;
  const { access } = await root();
  const tenants = await api.get("admin/tenants", access);
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  return {
    target: (await register(running)).id,
    tenant: tenants.body.data[0].id,
    picture: new Uint8Array(picture),
    admin: { post: async (path, body) => api.post(path, body, (await root()).access) },
    person: () => register(running),
  };
}
