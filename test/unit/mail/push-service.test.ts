import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { isError } from "../../../lib/actions/errors.ts";
import { createPushService } from "../../../services/mail/push/push-service.ts";
import { type PushServer, startPushServer } from "../../support/fakes/push-service.ts";

let server: PushServer;
beforeEach(async () => {
  server = await startPushServer();
});
afterEach(() => server.stop());

const user = { id: "u", name: null, language: null };
const push = { id: "p", push_token: "device-token", user, title: "A", body: "B", data: {} };
const send = (url = server.url): Promise<string> =>
  createPushService({ url, secret: undefined })
    .send(push, "request-1")
    .catch((error) => (isError(error, "push_refused", "push_unavailable") ? error.type : `${error}`));

test.each([
  [200, "accepted"],
  [204, "accepted"],
  [404, "unknown_token"],
  [410, "token_gone"],
  [400, "push_refused"],
  [413, "push_refused"],
  [422, "push_refused"],
  [401, "push_unavailable"],
  [403, "push_unavailable"],
  [408, "push_unavailable"],
  [429, "push_unavailable"],
  [500, "push_unavailable"],
  [503, "push_unavailable"],
])("status %d means %s", async (status, outcome) => {
  server.behave(status);
  expect(await send()).toBe(outcome);
});

test.each([301, 302, 307, 308])("a redirect (%d) is not followed", async (status) => {
  server.behave(status);
  expect(await send()).toBe("push_unavailable");
  expect(server.received).toHaveLength(1);
});

test("no response within 5 s is push_unavailable", async () => {
  server.behave("hangs");
  const short = AbortSignal.timeout(100);
  const timeout = jest.spyOn(AbortSignal, "timeout").mockReturnValueOnce(short);
  expect(await send()).toBe("push_unavailable");
  expect(timeout).toHaveBeenCalledWith(5_000);
});

test("a refused connection is push_unavailable, and the error contains neither token nor text", async () => {
  await server.stop();
  const error = await createPushService({ url: server.url, secret: "s" })
    .send(push, "request-1")
    .catch((thrown) => thrown);
  expect(error).toMatchObject({ type: "push_unavailable", cause: { message: "ECONNREFUSED" } });
  expect(`${error.message} ${error.cause}`).not.toContain("device-token");
});
