import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { AppError, type ErrorCode } from "../../../lib/actions/errors.ts";
import { createSessionEvents } from "../../../services/gateway/events/session-events.ts";
import { createVirtualTime } from "../../support/fakes/virtual-time.ts";

const get = { method: "GET" };
const caller = (user = "ada") =>
  ({
    kind: "user",
    user_id: user,
    session_id: `session of ${user}`,
    home_tenant_id: "tenant",
    tenant_id: "tenant",
    roles: [],
    permissions: [],
    tier: "basic",
    auth_time: 0,
    expires_at: 0,
  }) as const;

/** An open stream, and the error that its token has. */
function openStream(events: ReturnType<typeof createSessionEvents>, user = "ada") {
  const token: { error: ErrorCode | null } = { error: null };
  const recheck = () => {
    if (token.error) throw new AppError(token.error);
  };
  const { chunks } = events.open(get, { caller: caller(user), recheck });
  const readable = chunks as Readable;
  return { token, readable, text: () => String(readable.read() ?? "") };
}

describe("event streams", () => {
  test("begin with the delay after which a browser reconnects", () => {
    const stream = openStream(createSessionEvents(createVirtualTime().timers));
    expect(stream.text()).toBe("retry: 2000\n\n");
  });

  test.each([
    ["session_ended", { kind: "session", key: "session of ada" }],
    ["token_stale", { kind: "user", key: "ada" }],
    ["token_stale", { kind: "tenant", key: "tenant" }],
  ] as const)("end with %s as soon as %j is applied", async (error, change) => {
    const events = createSessionEvents(createVirtualTime().timers);
    const stream = openStream(events);
    stream.text();
    stream.token.error = error;
    events.apply([change]);
    expect(stream.text()).toMatch(new RegExp(`^event: ${error}\ndata: {"code":"${error}","detail":".+"}\n\n$`));
    stream.readable.resume();
    await once(stream.readable, "end");
  });

  test("ignore entries about others, and entries that leave the token valid", () => {
    const events = createSessionEvents(createVirtualTime().timers);
    const stream = openStream(events);
    stream.text();
    events.apply([{ kind: "user", key: "ada" }]);
    stream.token.error = "token_stale";
    events.apply([
      { kind: "user", key: "grace" },
      { kind: "cache", key: "ada" },
    ]);
    expect(stream.text()).toBe("");
  });

  test("send a heartbeat every 15 seconds, which also notices that the token has expired", async () => {
    const time = createVirtualTime();
    const events = createSessionEvents(time.timers);
    events.start();
    const stream = openStream(events);
    stream.text();
    await time.runUntil(15_000);
    expect(stream.text()).toBe(": heartbeat\n\n");
    stream.token.error = "token_expired";
    await time.runUntil(30_000);
    expect(stream.text()).toContain("event: token_expired\n");
    await time.runUntil(45_000);
    expect(stream.text()).toBe("");
    events.stop();
  });

  test("stay open while the node cannot tell whether the token is valid", async () => {
    const time = createVirtualTime();
    const events = createSessionEvents(time.timers);
    events.start();
    const stream = openStream(events);
    stream.text();
    stream.token.error = "service_unavailable";
    await time.runUntil(15_000);
    expect(stream.text()).toBe(": heartbeat\n\n");
    events.stop();
  });

  test("of a client that reads nothing are closed", async () => {
    const time = createVirtualTime();
    const events = createSessionEvents(time.timers);
    events.start();
    const { readable } = openStream(events);
    await time.runUntil(15_000 * 400);
    expect([readable.destroyed, events.size]).toEqual([true, 0]);
    events.stop();
  });

  test("are limited to ten for each user, and a closed one makes room", async () => {
    const events = createSessionEvents(createVirtualTime().timers);
    const streams = Array.from({ length: 10 }, () => openStream(events));
    expect(() => openStream(events)).toThrow(expect.objectContaining({ type: "rate_limited" }));
    openStream(events, "grace");
    streams[0]?.readable.destroy();
    await new Promise(setImmediate);
    openStream(events);
    expect(events.size).toBe(11);
  });

  test("are limited to 10,000 for each node", () => {
    const events = createSessionEvents(createVirtualTime().timers);
    for (let user = 0; user < 10_000; user += 1) openStream(events, String(user));
    expect(() => openStream(events)).toThrow(expect.objectContaining({ type: "overloaded" }));
  });

  test("do not open for a token that was revoked while the request was checked", () => {
    const events = createSessionEvents(createVirtualTime().timers);
    const recheck = () => {
      throw new AppError("session_ended");
    };
    expect(() => events.open(get, { caller: caller(), recheck })).toThrow(
      expect.objectContaining({ type: "session_ended" }),
    );
    expect(events.size).toBe(0);
  });

  test("do not open once the node stops", () => {
    const events = createSessionEvents(createVirtualTime().timers);
    events.stop();
    expect(() => openStream(events)).toThrow(expect.objectContaining({ type: "overloaded" }));
  });

  test("HEAD opens none", () => {
    const events = createSessionEvents(createVirtualTime().timers);
    const response = events.open({ method: "HEAD" }, { caller: caller(), recheck: () => undefined });
    expect([response.chunks, events.size]).toEqual([undefined, 0]);
  });
});
