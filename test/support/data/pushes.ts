import { randomBytes, randomUUID } from "node:crypto";
import { expect } from "@jest/globals";
import { eventually } from "../eventually.ts";
import { type PushServer, startPushServer } from "../fakes/push-service.ts";
import { newPerson, register } from "../flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../start/usermesh.ts";
import { vendorOf } from "./tenants.ts";

export const jobs = { kind: "service", name: "jobs" } as const;

/** Usermesh with a push service, and what the tests of pushes do with both. */
export interface Pushing {
  readonly usermesh: Usermesh;
  readonly server: PushServer;
  /** Somebody with a device, unless `more` says otherwise. */
  person(more?: object): Promise<{ id: string; token: string; name: string }>;
  /** Asks for a push as a service that may; resolves to its id. */
  push(userId: string, more?: object): Promise<string>;
  /** Waits until the push is done with. */
  done(id: string): Promise<Record<string, unknown>>;
  row(id: string): Promise<Record<string, unknown> | undefined>;
  /** Waits until the push lies with the dead letters. */
  deadLetter(id: string): Promise<{ id: string; attempts: number; reason: string }>;
  retry(jobId: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPushing(env: Record<string, string> = {}): Promise<Pushing> {
  const server = await startPushServer();
  const usermesh = await startUsermesh({
    PUSH_URL: server.url,
    PUSH_SECRET: "between-us",
    CIRCUIT_BREAKER_FAILURES: "100",
    SERVICE_PERMISSIONS: "jobs=push:send;others=users:read",
    ...env,
  });
  const vendor = await vendorOf(usermesh);
  const row = async (id: string) => (await usermesh.database.query("SELECT * FROM mail.pushes WHERE id = $1", [id]))[0];
  return {
    usermesh,
    server,
    row: row as Pushing["row"],
    async person(more = {}) {
      const [token, name] = [`device-${randomBytes(8).toString("hex")}`, `Ada ${randomBytes(4).toString("hex")}`];
      const { id } = await register(usermesh, newPerson(), { full_name: name, push_token: token, ...more });
      return { id, token, name };
    },
    async push(user_id, more = {}) {
      const request = { id: randomUUID(), user_id, title: "News", body: "Somebody wrote to you", ...more };
      expect(await usermesh.call("mail.push", request, jobs)).toEqual({ id: request.id });
      return request.id;
    },
    done: (id) =>
      eventually(`push ${id} is done with`, async () => {
        const found = (await row(id)) as Record<string, unknown> | undefined;
        return found && found.state !== "pending" && found;
      }),
    deadLetter: (id) =>
      eventually(`the dead letter of ${id}`, async () => {
        const { body } = await usermesh.api.get("admin/queues/push/failed", vendor);
        return body.data.find((one: { data: { id: string } }) => one.data.id === id);
      }),
    async retry(jobId) {
      const { body } = await usermesh.api.post("admin/queues/push/retry", { id: jobId }, vendor);
      expect(body.data).toEqual({ retried: 1 });
    },
    async stop() {
      await usermesh.stop();
      await server.stop();
    },
  };
}
