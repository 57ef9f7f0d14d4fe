import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { inTenant, newMember, newTenant, vendorOf, verdict } from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** One installation with a tenant for each policy: a tenant can be stricter than the installation. */
let usermesh: Usermesh;
let tenants: Readonly<Record<Policy, string>>;
type Policy = "classic" | "length" | "nist";

beforeAll(async () => {
  usermesh = await startUsermesh({ PASSWORD_POLICY: "length" });
  const vendor = await vendorOf(usermesh);
  const tenantOf = async (password_policy: Policy) => {
    const { id, slug } = await newTenant(usermesh, vendor);
    const answer = await usermesh.api.patch(`admin/tenants/${id}`, { settings: { password_policy } }, vendor);
    expect(answer.status).toBe(200);
    return slug;
  };
  tenants = { length: "default", classic: await tenantOf("classic"), nist: await tenantOf("nist") };
});
afterAll(() => usermesh.stop());

const inPolicy = (policy: Policy) => inTenant(tenants[policy]);
const register = (policy: Policy, body: object) =>
  usermesh.api.request("POST", "auth/register", { body, headers: inPolicy(policy) });
const login = (policy: Policy, body: object) =>
  usermesh.api.request("POST", "auth/login", { body, headers: inPolicy(policy) });

/** "accepted", or the reason for the refusal. */
async function outcomeOf(policy: Policy, password: string, more: object = {}): Promise<string> {
  const { status, body } = await register(policy, { ...newPerson("q"), ...more, password });
  if (status === 201) return "accepted";
  const [refusal] = body.errors;
  expect([status, refusal.field, refusal.message.length > 10]).toEqual([422, "password", true]);
  return refusal.code;
}

describe("the policies [V6.2.1, 6.2.5]", () => {
  test.each<[Policy, string, string]>([
    ["classic", "Kwzqxj7", "password_too_short"],
    ["classic", "Kwzqxj7v", "accepted"],
    ["classic", "kwzqxj7v", "password_too_weak"],
    ["classic", "KWZQXJ7V", "password_too_weak"],
    ["classic", "Kwzqxjvp", "password_too_weak"],
    ["classic", `Aa1${"x".repeat(125)}`, "accepted"],
    ["classic", `Aa1${"x".repeat(126)}`, "password_too_long"],
    ["length", "kwzqxjv", "password_too_short"],
    ["length", "kwzqxjvp", "accepted"],
    ["nist", "kwzqxjvp kwzqx", "password_too_short"],
    ["nist", "kwzqxjvp kwzqxj", "accepted"],
  ])("%s: %s is %s", async (policy, password, outcome) => {
    expect(await outcomeOf(policy, password)).toBe(outcome);
  });
});

describe.each<Policy>(["classic", "length", "nist"])("under every policy (%s)", (policy) => {
  test.each(policy === "nist" ? ["Mailcreated5240"] : ["Password1", "Passw0rd", "1Qaz2wsx3edc", "Mailcreated5240"])(
    "one of the 10,000 most common passwords is refused, whatever its case: %s [V6.2.4]",
    async (password) => {
      expect(await outcomeOf(policy, password)).toBe("password_too_common");
    },
  );

  test("the product's name is refused [V6.2.11]", async () => {
    expect(await outcomeOf(policy, "UserMesh20260101")).toBe("password_too_common");
  });

  test("the account's own names are refused [V6.2.11]", async () => {
    const own = { email: "zephirine.lovelace@example.com", username: "zephirine", full_name: "Zephirine Lovelace" };
    for (const password of ["Zephirine2026-11", "Lovelace20261120", "Zephirine.Lovelace1"])
      expect(await outcomeOf(policy, password, own)).toBe("password_contains_personal_data");
  });
});

describe("a password is used exactly as typed [V6.2.8, 6.2.9]", () => {
  const odd: ReadonlyArray<readonly [string, string, readonly string[]]> = [
    ["spaces around it", "  Kwzqxj7v pw  ", ["Kwzqxj7v pw", "  Kwzqxj7v pw", "Kwzqxj7v pw  "]],
    ["upper and lower case", "KwZqXj7vMnBp", ["kwzqxj7vmnbp", "KWZQXJ7VMNBP", "KwZqXj7vMnBP"]],
    [
      "more than 72 bytes",
      `Kw7${"zq".repeat(40)}A`,
      [`Kw7${"zq".repeat(40)}B`, `Kw7${"zq".repeat(40)}`, `Kw7${"zq".repeat(35)}`],
    ],
    ["a NUL", "Kwzq7\u0000xjvp", ["Kwzq7", "Kwzq7xjvp", "Kwzq7\u0000xjvq", "Kwzq7\u0000"]],
    ["a composed letter", "Grünkohl7vpx", ["Gru\u0308nkohl7vpx", "Grunkohl7vpx"]],
    ["characters of four bytes", "Kw7😀😃😄😁😆", ["Kw7😀😃😄😁😅", "Kw7"]],
    ["line ends and tabs", "Kw7\tzq\r\nxjvp", ["Kw7 zq xjvp", "Kw7\tzq\nxjvp"]],
  ];
  test.each(odd)("%s", async (_, password, others) => {
    const person = { ...newPerson("q"), password };
    expect((await register("length", person)).status).toBe(201);
    for (const other of others)
      expect([other, verdict(await login("length", { ...person, password: other }))]).toEqual([
        other,
        "401 invalid_credentials",
      ]);
    expect(verdict(await login("length", person))).toBe("200 ok");
  });
});

describe("a new password", () => {
  const fresh = "Fresh-horse-8-staple";
  const change = (token: string | undefined, body: object) => usermesh.api.post("auth/change-password", body, token);

  test("requires the current password, so that a stolen session cannot take over the account [V6.2.3]", async () => {
    const member = await newMember(usermesh, "default");
    const answers = [
      await change(member.access, { new_password: fresh }),
      await change(member.access, { current_password: "", new_password: fresh }),
      await change(member.access, { current_password: "Wrong-horse-8-staple", new_password: fresh }),
      await change(undefined, { current_password: member.password, new_password: fresh }),
    ];
    expect(answers.map(verdict)).toEqual([
      "422 validation_failed",
      "422 validation_failed",
      "401 invalid_credentials",
      "401 token_missing",
    ]);
    expect(verdict(await login("length", { email: member.email, password: member.password }))).toBe("200 ok");
  });

  test("is checked against the same policy in a change and in a reset", async () => {
    const member = await newMember(usermesh, tenants.nist, { ...newPerson("q"), password: "kwzqxjvp kwzqxj" });
    const short = { field: "new_password", code: "password_too_short" };
    const changed = await change(member.access, { current_password: member.password, new_password: "Short-1-one" });
    expect(changed.body.errors).toMatchObject([short]);
    const asked = { body: { email: member.email }, headers: inPolicy("nist") };
    await usermesh.api.request("POST", "auth/password-reset-request", asked);
    const token = linkToken(await mailTo(usermesh, member.email, /reset-password/));
    const reset = await usermesh.api.post("auth/password-reset-confirm", { token, new_password: "Short-1-one" });
    expect(reset.body.errors).toMatchObject([short]);
    expect(verdict(await login("nist", { email: member.email, password: member.password }))).toBe("200 ok");
  });

  test("that is not a string, or far too long, is refused and creates nothing", async () => {
    await usermesh.settled();
    const before = await usermesh.rowCounts();
    for (const password of [null, 12_345_678, ["Kwzqxj7v"], { $ne: "" }, "", "x".repeat(1_025)])
      expect((await register("length", { email: newPerson().email, password })).status).toBe(422);
    expect(await usermesh.rowCounts()).toEqual(before);
  });
});
