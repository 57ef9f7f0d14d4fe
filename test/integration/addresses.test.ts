import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runImport, written } from "../support/data/import.ts";
import { linkToken, mailTo } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** Two spellings of one domain: as people write it, and as it is on the network (IDNA). */
const typed = "ada@b\u00fccher.example";
const ascii = "ada@xn--bcher-kva.example";
const password = "Correct-horse-9-battery";
let usermesh: Usermesh;
beforeAll(async () => {
  usermesh = await startUsermesh();
  // With the blanks that a paste brings along.
  const { status } = await usermesh.api.post("auth/register", { email: ` ${typed} `, password });
  expect(status).toBe(201);
});
afterAll(() => usermesh.stop());

test("an internationalized address and its ASCII form count as the same address", async () => {
  expect(await usermesh.api.post("auth/register", { email: ascii, password })).toBeProblem(409, "email_taken");
});

test.each([typed, ascii, `\u00a0${ascii.toUpperCase()} `])("signs in as %j", async (email) => {
  expect((await usermesh.api.post("auth/login", { email, password })).status).toBe(200);
});

test("a link that is asked for by the other spelling sets the password", async () => {
  expect((await usermesh.api.post("auth/password-reset-request", { email: ascii })).status).toBe(202);
  const token = linkToken(await mailTo(usermesh, typed, /reset-password/));
  const new_password = "Another-horse-9-battery";
  expect((await usermesh.api.post("auth/password-reset-confirm", { token, new_password })).status).toBe(200);
  expect((await usermesh.api.post("auth/login", { email: typed, password: new_password })).status).toBe(200);
});

test("an import refuses the other spelling", async () => {
  const { report } = await runImport(usermesh, await written([{ email: ascii }]));
  expect(report).toMatchObject([{ line: 1, code: "email_taken" }]);
});
