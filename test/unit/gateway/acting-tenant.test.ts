import type { IncomingMessage } from "node:http";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { DEFAULT_TENANT_ID, type UserCaller } from "../../../lib/actions/caller.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { createEnterTenant, type EnterTenant } from "../../../services/gateway/auth/acting-tenant.ts";

const otherId = "0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60";
const user = {
  kind: "user",
  home_tenant_id: DEFAULT_TENANT_ID,
  tenant_id: DEFAULT_TENANT_ID,
  permissions: ["platform:act"],
} as unknown as UserCaller;
const naming = (slug: string) => ({ headers: { "x-tenant": slug } }) as unknown as IncomingMessage;

let now: number;
let calls: number;
let known: Record<string, string>;
let enter: EnterTenant;

beforeEach(() => {
  [now, calls, known] = [1_000, 0, { other: otherId }];
  const clock: Clock = { now: () => new Date(now), monotonic: () => now };
  const find = async (_: string, { slug }: { slug: string }) => {
    calls++;
    return known[slug] === undefined ? null : { id: known[slug] };
  };
  enter = createEnterTenant(clock, find as unknown as Call);
});

describe("X-Tenant", () => {
  test("changes nothing for the user's own tenant, without a call", () => {
    expect([enter(naming("default"), user), calls]).toEqual([user, 0]);
  });

  test("enters another tenant, which is looked up once in ten seconds", async () => {
    const requests = [enter(naming("other"), user), enter(naming("other"), user)];
    expect(await Promise.all(requests)).toEqual([user, user].map((one) => ({ ...one, tenant_id: otherId })));
    now += 9_999;
    await enter(naming("other"), user);
    expect(calls).toBe(1);
    now += 2;
    await enter(naming("other"), user);
    expect(calls).toBe(2);
  });

  test("finds a tenant that was created after it was first named", async () => {
    await expect(enter(naming("new"), user)).rejects.toMatchObject({ type: "validation_failed" });
    known = { new: otherId };
    expect(await enter(naming("new"), user)).toMatchObject({ tenant_id: otherId });
  });

  test("does not reveal to others whether a tenant exists", async () => {
    const member = { ...user, permissions: [] };
    for (const slug of ["other", "unknown", "not a slug!"])
      await expect(enter(naming(slug), member)).rejects.toMatchObject({ type: "forbidden" });
  });
});
