import { describe, expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { problemResponse, toAppError } from "../../../services/gateway/api/problem.ts";

const where = { path: "/api/v1/users/me", correlationId: "c-1" };
const bodyOf = (error: unknown) => JSON.parse(String(problemResponse(toAppError(error), where).body));

describe("problem document", () => {
  test("has the members of RFC 9457 and those that clients of earlier systems read", () => {
    expect(bodyOf(new AppError("email_taken"))).toEqual({
      type: "urn:usermesh:problem:email_taken",
      title: "Email taken",
      status: 409,
      detail: "An account with this email already exists.",
      instance: "/api/v1/users/me",
      success: false,
      message: "An account with this email already exists.",
      code: "email_taken",
      correlation_id: "c-1",
    });
  });

  test("reveals nothing of an unknown error", () => {
    const body = JSON.stringify(bodyOf(new Error("SELECT * FROM auth.credentials at /srv/app/x.ts")));
    expect(body).toContain("internal_error");
    expect(body).not.toMatch(/SELECT|credentials|srv/);
  });

  test.each([
    new Errors.ServiceNotFoundError({ action: "users.me" }),
    new Errors.ServiceNotAvailableError({ action: "users.me", nodeID: "node-7" }),
    new Errors.RequestTimeoutError({ action: "users.me", nodeID: "node-7" }),
    new Errors.BrokerDisconnectedError("NATS is disconnected"),
  ])("a bus failure is a 503 that names no service or node: %s", (error) => {
    const answer = problemResponse(toAppError(error), where);
    expect([answer.status, answer.headers]).toEqual([503, ["Retry-After", "1"]]);
    expect(answer.body).not.toMatch(/node-7|users\.me"/);
  });

  test("an invalid mailed token is 400 token_invalid, without a challenge", () => {
    const answer = problemResponse(new AppError("one_time_token_invalid"), where);
    expect([answer.status, answer.headers, JSON.parse(String(answer.body)).code]).toEqual([400, [], "token_invalid"]);
  });

  test.each([
    ["token_missing", 'Bearer realm="usermesh"'],
    ["invalid_credentials", 'Bearer realm="usermesh"'],
    ["token_stale", 'Bearer realm="usermesh", error="invalid_token", error_description="token_stale"'],
    ["step_up_required", 'Bearer realm="usermesh", error="insufficient_user_authentication"'],
  ] as const)("401 %s has a WWW-Authenticate challenge", (type, challenge) => {
    expect(problemResponse(new AppError(type), where).headers).toEqual(["WWW-Authenticate", challenge]);
  });

  test("Retry-After is in whole seconds, at least 1", () => {
    expect(problemResponse(new AppError("too_many_attempts", { retry_after: 3.2 }), where).headers).toEqual([
      "Retry-After",
      "4",
    ]);
    expect(problemResponse(new AppError("service_unavailable"), where).headers).toEqual(["Retry-After", "1"]);
  });
});
