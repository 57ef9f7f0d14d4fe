import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { register, signIn } from "../support/flows/main-flow.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";

const PATIENCE = { every: 50, within: 90_000 };

describe("a webhook message", () => {
  let mesh: TestMesh;
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    mesh = await startMesh({
      processes: { gateway: 1, users: 1, webhooks: 1, "worker-webhooks": 1 },
      env: { WEBHOOK_ALLOW_PRIVATE_ADDRESSES: "true" },
    });
  });
  afterAll(async () => {
    await mesh?.stop();
    await receiver?.stop();
  });
  afterEach(() => receiver.behave(204));

  const create = async (path: string): Promise<string> => {
    const { access } = await signIn(mesh, mesh.admin);
    const body = { url: receiver.url + path, event_types: ["user.created"] };
    // A gateway learns of a restarted service within a second.
    const created = async () => (await mesh.api.post("admin/webhooks", body, access)).body.data?.id;
    return eventually("the webhook", created, PATIENCE);
  };
  const about = (path: string, userId: string) =>
    receiver.received.filter((one) => one.path === path && one.body.data.user_id === userId);
  const stored = async (webhook: string, userId: string) =>
    mesh.database.query<{ state: string; attempts: number }>(
      "SELECT state, attempts FROM webhooks.deliveries WHERE endpoint_id = $1 AND user_id = $2",
      [webhook, userId],
    );
  const delivered = (webhook: string, userId: string) =>
    eventually(
      "the message is delivered",
      async () => {
        const rows = await stored(webhook, userId);
        return rows.length > 0 && rows.every(({ state }) => state === "delivered");
      },
      PATIENCE,
    );

  test.each(["webhooks-1", "worker-webhooks-1"])(
    "is repeated once under its id if %s is killed between the request and the response",
    async (victim) => {
      const path = `/${randomUUID()}`;
      const webhook = await create(path);
      const waiting: ServerResponse[] = [];
      receiver.behave((response) => void waiting.push(response));
      const { id } = await register(mesh);
      await eventually("the request", () => about(path, id).length === 1, PATIENCE);
      await mesh.kill(victim);
      receiver.behave(204);
      for (const response of waiting) response.writeHead(204).end();
      await mesh.restart(victim);
      await delivered(webhook, id);
      const received = about(path, id);
      expect(received.length).toBeLessThanOrEqual(2);
      expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
      expect(await stored(webhook, id)).toHaveLength(1);
    },
  );

  test("is repeated under its id if webhooks is killed before it records the response", async () => {
    const path = `/${randomUUID()}`;
    const webhook = await create(path);
    await mesh.database.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$`,
    );
    await mesh.database.query(
      `CREATE TRIGGER refuse BEFORE UPDATE ON webhooks.deliveries FOR EACH ROW WHEN (NEW.state = 'delivered')
       EXECUTE FUNCTION public.refuse()`,
    );
    const { id } = await register(mesh);
    await eventually("the request", () => about(path, id).length >= 1, PATIENCE);
    await mesh.kill("webhooks-1");
    await mesh.database.query("DROP TRIGGER refuse ON webhooks.deliveries");
    await mesh.restart("webhooks-1");
    await delivered(webhook, id);
    expect(about(path, id).length).toBeGreaterThanOrEqual(2);
    expect(new Set(about(path, id).map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  test("is not lost and not recorded twice, whichever process is killed while the event is on its way", async () => {
    const path = `/${randomUUID()}`;
    const webhook = await create(path);
    for (const victim of ["users-1", "webhooks-1", "worker-webhooks-1"]) {
      const { id } = await eventually("a sign-up", () => register(mesh), PATIENCE);
      await mesh.kill(victim);
      await mesh.restart(victim);
      await delivered(webhook, id);
      expect(await stored(webhook, id)).toHaveLength(1);
      expect(new Set(about(path, id).map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    }
  });
});
