import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLeaseHolder, type LeaseHolder } from "../../mixins/lease-holder.mixin.ts";
import { eventually } from "../support/eventually.ts";
import { dropConnection } from "../support/start/broker.ts";
import { type Server, startNatsServer } from "../support/start/servers.ts";
import { type SessionsService, startSessions, tenantId } from "../support/start/sessions-services.ts";

const LEASE_MS = 3_000;

describe("a revocation on the mesh", () => {
  let nats: Server;
  let first: SessionsService;
  let second: SessionsService;
  let holders: LeaseHolder[];
  beforeAll(async () => {
    nats = await startNatsServer();
    first = await startSessions({ NATS_URL: nats.url, NODE_ID: "sessions-1" });
    second = await startSessions({ NATS_URL: nats.url, NODE_ID: "sessions-2", DATABASE_URL: first.database.url });
    holders = [addHolder(first), addHolder(second)];
    await eventually("both leases", () => holders.every((holder) => holder.isHeld()));
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
    await nats.stop();
  });

  const verdicts = ({ session_id, user_id }: { session_id: string; user_id: string }) =>
    holders.map((holder) => holder.check({ sid: session_id, sub: user_id, tid: tenantId, ver: 0, tver: 0 }));

  test("at either node has reached every lease holder when it is answered", async () => {
    for (let n = 0; n < 50; n += 1) {
      const node = n % 2 ? first : second;
      const grant = await node.signIn();
      expect(verdicts(grant)).toEqual([null, null]);
      await node.call("sessions.logout", {}, node.callerOf(grant));
      expect(verdicts(grant)).toEqual(["session_ended", "session_ended"]);
    }
  });

  test("waits for a lease holder that has lost the bus, at most until its lease expires", async () => {
    const grant = await second.signIn();
    await dropConnection(first.broker);
    const started = performance.now();
    await second.call("sessions.logout", {}, second.callerOf(grant));
    expect(verdicts(grant)).not.toContain(null);
    expect(performance.now() - started).toBeLessThan(LEASE_MS + 2_000);
  });
});

function addHolder(running: SessionsService): LeaseHolder {
  const service = `probe-${running.broker.nodeID}`;
  const holder = createLeaseHolder(running.platform, { service: "gateway", action: `${service}.applyRevocations` });
  running.broker.createService({
    name: service,
    mixins: [holder.mixin],
    actions: {
      applyRevocations: (ctx: { params: Parameters<LeaseHolder["applyEntries"]>[0] }) =>
        holder.applyEntries(ctx.params),
    },
  });
  return holder;
}
