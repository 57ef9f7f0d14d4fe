import { expect, test } from "@jest/globals";
import { createTenantShare } from "../../../services/webhooks/deliveries/tenant-share.ts";

const hangs = () => new Promise<string>(() => undefined);

test("the requests of one tenant leave room for those of others", async () => {
  const share = createTenantShare();
  for (let n = 0; n < 5; n += 1) void share.run("slow", hangs);
  expect(await share.run("slow", hangs)).toEqual({ retry_in_ms: 250 });
  expect(await share.run("other", async () => "sent")).toBe("sent");
});

test("the more messages of a tenant wait, the later they are tried again", async () => {
  const share = createTenantShare();
  for (let n = 0; n < 5; n += 1) void share.run("slow", hangs);
  const delays: unknown[] = [];
  for (let n = 0; n < 400; n += 1) delays.push(await share.run("slow", hangs));
  expect(delays[50]).toEqual({ retry_in_ms: 2_750 });
  expect(delays.at(-1)).toEqual({ retry_in_ms: 15_000 });
});

test("a request that has ended, even with an error, makes room", async () => {
  const share = createTenantShare();
  const fail = () => Promise.reject(new Error("closed"));
  for (let n = 0; n < 20; n += 1) await expect(share.run("one", fail)).rejects.toThrow("closed");
  expect(await share.run("one", async () => "sent")).toBe("sent");
});
