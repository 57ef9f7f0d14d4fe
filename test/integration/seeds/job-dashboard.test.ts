import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newPerson } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

/** The examples of the job dashboard's user service and of the application that checks its tokens by it. */
let usermesh: Usermesh;
const { email } = newPerson("user");
const password = "SecurePass123";
let access = "";
beforeAll(async () => {
  usermesh = await startUsermesh({ USERMESH_PROFILE: "job-dashboard" });
});
afterAll(() => usermesh.stop());

test("registration", async () => {
  const body = { email, username: "testuser", full_name: "Test User", password, confirm_password: password };
  const { status, body: answer } = await usermesh.api.post("auth/register", body);
  expect([status, answer.data]).toMatchObject([201, { email, username: "testuser", full_name: "Test User" }]);
});

test("login", async () => {
  const { status, body } = await usermesh.api.post("auth/login", { email, password });
  expect([status, body.data.token_type]).toEqual([200, "Bearer"]);
  access = body.data.access_token;
});

test("the documented password rules and origins", async () => {
  const weak = await usermesh.api.post("auth/register", { ...newPerson(), password: "alllowercase" });
  expect(weak).toBeProblem(422, "validation_failed");
  const { headers } = await usermesh.api.request("GET", "/health/live", {
    headers: { origin: "https://anywhere.example" },
  });
  expect(headers.get("access-control-allow-origin")).toBe("*");
});

test("profile update", async () => {
  const change = { full_name: "Updated Name", current_title: "Software Engineer", location: "San Francisco, CA" };
  const { status, body } = await usermesh.api.put("users/me", change, access);
  expect([status, body.data]).toMatchObject([200, change]);
});

test("another application asks who the bearer is", async () => {
  const { status, body } = await usermesh.api.get("auth/me", access);
  expect([status, body.data.user.email]).toEqual([200, email]);
  expect((await usermesh.api.get("auth/me", "not-a-token")).status).toBe(401);
});
