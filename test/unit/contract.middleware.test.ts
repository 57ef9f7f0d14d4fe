import { afterEach, describe, expect, test } from "@jest/globals";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Caller } from "../../lib/actions/caller.ts";
import { AppError } from "../../lib/actions/errors.ts";
import { OverloadedError } from "../../lib/runtime/bulkhead.ts";
import { aUser, callAs, startBroker } from "../support/start/broker.ts";

const reader: Caller = { kind: "service", name: "mail" };
const id = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const admin = aUser({ permissions: ["users:read"] });

function users(handler: (ctx: { params: unknown }) => Promise<unknown>): ServiceSchema {
  return { name: "users", actions: { get: { handler }, list: { handler }, validate: { handler } } };
}

describe("a contract on a node", () => {
  let broker: ServiceBroker;
  let lines: string[];
  afterEach(() => broker.stop());
  const start = async (handler: (ctx: { params: unknown }) => Promise<unknown>) => {
    lines = [];
    broker = await startBroker({ services: [users(handler)], log: (line) => void lines.push(line) });
  };

  test("invalid params do not reach the action", async () => {
    let reached = false;
    await start(async () => {
      reached = true;
      return null;
    });
    await expect(callAs(broker, reader, "users.get", { id: "x", extra: 1 })).rejects.toMatchObject({
      type: "validation_failed",
      status: 422,
      data: {
        errors: [
          expect.objectContaining({ field: "id", code: "invalid_format" }),
          expect.objectContaining({ field: "extra", code: "unknown_field" }),
        ],
      },
    });
    expect(reached).toBe(false);
  });

  test("the action receives the parsed params, with defaults and coerced numbers", async () => {
    let seen: unknown;
    await start(async (ctx) => {
      seen = ctx.params;
      return { items: [], total: 0, page: 2, limit: 20, next_cursor: null };
    });
    await callAs(broker, admin, "users.list", { page: "2" });
    expect(seen).toEqual({ page: 2, limit: 20, sort: "-created_at" });
  });

  test("in tests, an invalid result is an error", async () => {
    await start(async () => ({ id }));
    await expect(callAs(broker, reader, "users.get", { id })).rejects.toMatchObject({
      type: "internal_error",
      cause: { message: expect.stringContaining("violates its contract") },
    });
    expect(lines.join("")).toContain("users.get violates its contract");
  });

  test("in tests, a result that would not survive JSON is an error", async () => {
    await start(async () => [{ id, is_active: true, is_verified: true, later: undefined }]);
    await expect(callAs(broker, reader, "users.validate", { ids: [id] })).rejects.toMatchObject({ type: "forbidden" });
    const jobs: Caller = { kind: "operator", name: "me" };
    await expect(callAs(broker, jobs, "users.validate", { ids: [id] })).rejects.toMatchObject({
      type: "internal_error",
    });
  });

  test("a fault is logged with stack and correlation id, and becomes internal_error", async () => {
    await start(async () => {
      throw new TypeError("password=hunter2 of ada@example.com");
    });
    const error = (await callAs(broker, reader, "users.get", { id }).catch((one) => one)) as AppError;
    expect(error).toMatchObject({ type: "internal_error", message: "Something went wrong on our side." });
    const line = JSON.parse(lines.at(-1) ?? "{}");
    expect(line).toMatchObject({
      level: "error",
      action: "users.get",
      correlation_id: "test-1",
      err: { stack: expect.stringContaining("TypeError") },
    });
    expect(lines.join("")).not.toContain("ada@example.com");
  });

  test.each([
    ["a full bulkhead", () => new OverloadedError("full"), "overloaded"],
    ["an error of ours", () => new AppError("email_taken"), "email_taken"],
  ])("%s keeps its meaning", async (_, make, type) => {
    await start(async () => {
      throw make();
    });
    await expect(callAs(broker, reader, "users.get", { id })).rejects.toMatchObject({ type });
  });

  test("an action whose call finds no service fails with service_unavailable", async () => {
    await start(async () => broker.call("nobody.home"));
    await expect(callAs(broker, reader, "users.get", { id })).rejects.toMatchObject({
      type: "service_unavailable",
      status: 503,
    });
  });
});
