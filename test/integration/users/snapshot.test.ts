import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type JetStreamManager, type NatsConnection } from "nats";
import { MeshEvent } from "../../../lib/events/events.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import { holdRelay } from "../../support/data/database-reads.ts";
import { eventually } from "../../support/eventually.ts";
import { type Server, startNatsServer } from "../../support/start/servers.ts";
import { callerOf, startUsers, type UserServices } from "../../support/start/user-services.ts";

describe("the stream of users", () => {
  let nats: Server;
  let users: UserServices;
  let client: NatsConnection;
  let manager: JetStreamManager;
  beforeAll(async () => {
    nats = await startNatsServer();
    users = await startUsers(["users", "sessions"], { NATS_URL: nats.url });
    client = await connect(natsOptions(nats.url));
    manager = await client.jetstreamManager();
  });
  afterAll(async () => {
    await client?.close();
    await users?.stop();
    await nats?.stop();
  });

  const read = async (count: number): Promise<MeshEvent[]> => {
    await eventually(`${count} events`, async () => (await manager.streams.info("USERS")).state.messages >= count);
    const events: MeshEvent[] = [];
    const { first_seq, last_seq } = (await manager.streams.info("USERS")).state;
    for (let seq = first_seq; seq <= last_seq && events.length < count; seq += 1) {
      const message = await eventually(`message ${seq}`, () => manager.streams.getMessage("USERS", { seq }));
      events.push(MeshEvent.parse(message.json()));
    }
    return events;
  };

  test("gets no snapshot of accounts whose events it holds from the first", async () => {
    await users.create();
    await users.settled();
    expect((await read(1)).map((event) => event.event_type)).toEqual(["user.created"]);
  });

  test("recreated while the mesh runs, gets all accounts, and their versions continue", async () => {
    const account = await users.create({ full_name: "Ada" });
    await users.call("users.updateMe", { full_name: "Ada Lovelace" }, callerOf(account));
    await users.settled();
    await manager.streams.delete("USERS");
    const told = await read(2);
    expect(told.every((event) => event.snapshot === true)).toBe(true);
    expect(told.find((event) => event.user_id === account.id)).toMatchObject({
      event_type: "user.updated",
      version: 2,
      email: account.email,
      name: "Ada Lovelace",
      is_active: true,
      is_verified: false,
    });
    await users.call("users.updateMe", { full_name: "Augusta Ada" }, callerOf(account));
    expect((await read(3)).at(-1)).toMatchObject({ version: 3, name: "Augusta Ada" });
  });

  test("recreated, gets no snapshot of an account whose user.created is still to be relayed", async () => {
    const relay = await holdRelay(users, "users");
    const { id } = await users.create();
    await manager.streams.delete("USERS");
    await relay[Symbol.asyncDispose]();
    await users.settled();
    const { messages } = (await manager.streams.info("USERS")).state;
    const mine = (await read(messages)).filter((event) => event.user_id === id);
    expect(mine.map(({ event_type, version }) => [event_type, version])).toEqual([["user.created", 1]]);
    expect(messages).toBeGreaterThan(2);
  });
});
