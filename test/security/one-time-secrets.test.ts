import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../support/clients/api-client.ts";
import { dumpDatabase } from "../support/data/database-dump.ts";
import { vendorOf, verdict } from "../support/data/tenants.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

/** [V6.5.1, 6.5.5, 6.6.2] The secrets in mailed links, one kind after the other. */
let usermesh: Usermesh;
let vendor: string;
beforeAll(async () => {
  usermesh = await startUsermesh();
  vendor = await vendorOf(usermesh);
});
afterAll(() => usermesh.stop());

const post = (path: string, body: object): Promise<Answer> => usermesh.api.post(path, body);
/** The access tokens of those to whom a link was mailed. */
const holders = new Map<string, string>();
const verify = (token: string): Promise<Answer> =>
  usermesh.api.post("auth/verify-email", { token }, holders.get(token));
const setPassword = (token: string) =>
  post("auth/password-reset-confirm", { token, new_password: "Fresh-horse-8-staple" });

interface Mailed {
  readonly token: string;
  readonly link: string;
  /** The account's owner. */
  readonly person: Person;
}

interface Kind {
  readonly spend: (token: string) => Promise<Answer>;
  /** Uses the token for another purpose. */
  readonly forOtherPurpose: (token: string) => Promise<Answer>;
  readonly mailed: () => Promise<Mailed>;
  /** Requests a newer one of the same kind. */
  readonly renew?: (person: Person) => Promise<unknown>;
}

async function received(person: Person, address: string, pattern: RegExp): Promise<Mailed> {
  const mail = await mailTo(usermesh, address, pattern);
  const link = mail.text.split(/\r?\n/).find((line) => line.includes("#token=")) ?? "";
  const token = linkToken(mail);
  if (link.includes("verify-email")) holders.set(token, (await signIn(usermesh, person)).access);
  return { token, link, person };
}

const kinds: Readonly<Record<string, Kind>> = {
  "a verification link": {
    spend: verify,
    forOtherPurpose: setPassword,
    mailed: async () => {
      const person = await register(usermesh);
      return received(person, person.email, /verify-email/);
    },
    renew: ({ email }) => post("auth/verify-email-request", { email }),
  },
  "a reset link": {
    spend: setPassword,
    forOtherPurpose: verify,
    mailed: async () => {
      const person = await register(usermesh);
      await post("auth/password-reset-request", { email: person.email });
      return received(person, person.email, /reset-password/);
    },
    renew: ({ email }) => post("auth/password-reset-request", { email }),
  },
  "a link that changes the address": {
    spend: verify,
    forOtherPurpose: setPassword,
    mailed: async () => {
      const person = await register(usermesh);
      const email = await wishFor(person);
      return received(person, email, /new email address[\s\S]*verify-email/);
    },
    renew: wishFor,
  },
  "an invitation": {
    spend: setPassword,
    forOtherPurpose: verify,
    mailed: async () => {
      const person = newPerson("boss");
      const slug = `t-${person.email.split(/[.@]/)[1]}`;
      const made = await usermesh.api.post("admin/tenants", { slug, name: "T", admin_email: person.email }, vendor);
      expect(made.status).toBe(201);
      return received(person, person.email, /reset-password/);
    },
  },
};

async function wishFor(person: Person): Promise<string> {
  const { access } = await signIn(usermesh, person);
  const { email } = newPerson("next");
  expect((await usermesh.api.patch("users/me", { email }, access)).status).toBe(200);
  return email;
}

const refused = "400 token_invalid";
const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));

describe.each(Object.entries(kinds))("%s", (_, { spend, forOtherPurpose, mailed, renew }) => {
  test("used 20 times at once works once", async () => {
    const { token } = await mailed();
    const seen = await times(20, () => spend(token));
    expect(seen.map(verdict).toSorted()).toEqual(["200 ok", ...Array(19).fill(refused)]);
    expect(verdict(await spend(token))).toBe(refused);
  });

  test("does not work for another purpose, and the attempt does not spend it", async () => {
    const { token } = await mailed();
    expect(verdict(await forOtherPurpose(token))).toBe(refused);
    expect(verdict(await usermesh.api.get("users/me", token))).toBe("401 token_invalid");
    expect(verdict(await spend(vendor))).toBe(refused);
    expect(verdict(await spend(token))).toBe("200 ok");
  });

  test("expires", async () => {
    const { token } = await mailed();
    const age = "UPDATE auth.one_time_tokens SET requested_at = requested_at - interval '25 hours' WHERE id = $1";
    await usermesh.database.query(age, [token.split(".")[2]]);
    expect(verdict(await spend(token))).toBe(refused);
  });

  test("has its token in the fragment, and is not spent by mail scanners: GET, HEAD and OPTIONS, and a form's POST", async () => {
    const { token, link } = await mailed();
    const { pathname, searchParams, hash } = new URL(link);
    expect([hash, searchParams.has("token")]).toEqual([`#token=${token}`, false]);
    // Older links have the token in the query.
    const older = `${usermesh.url}${pathname}?token=${token}`;
    for (const method of ["GET", "HEAD", "OPTIONS", "GET"]) {
      const answer = await fetch(older, { method, headers: { purpose: "prefetch" } });
      expect([method, answer.status]).toEqual([method, 200]);
      expect([answer.headers.get("cache-control"), answer.headers.get("referrer-policy")]).toEqual([
        "no-store",
        "no-referrer",
      ]);
      expect(await answer.text()).not.toContain(token);
    }
    const posted = await fetch(older, {
      method: "POST",
      body: new URLSearchParams({ token }),
    });
    expect([405, 415]).toContain(posted.status);
    expect(verdict(await spend(token))).toBe("200 ok");
  });

  test("has 256 secret bits that are stored nowhere", async () => {
    const { token } = await mailed();
    const mac = token.split(".").at(-1) ?? "";
    expect(Buffer.from(mac, "base64url")).toHaveLength(32);
    const stored = await dumpDatabase(usermesh.database);
    expect([stored.includes(mac), stored.includes(Buffer.from(mac, "base64url").toString("hex"))]).toEqual([
      false,
      false,
    ]);
  });

  test("does not work in another form, nor with the secret of another token", async () => {
    const [mine, other] = [await mailed(), await mailed()];
    const [, kid, id, mac = ""] = mine.token.split(".");
    const [, , otherIntent, otherMac] = other.token.split(".");
    const last = mac.at(-1) === "A" ? "B" : "A";
    for (const forged of [
      `v1.${kid}.${otherIntent}.${mac}`,
      `v1.${kid}.${id}.${otherMac}`,
      `v1.${kid}.${id}.${mac.slice(0, -1)}${last}`,
      `v1.${kid}.${id}.${mac.slice(0, -1)}`,
      `v1.${kid}.${id}.`,
      `v2.${kid}.${id}.${mac}`,
      ` ${mine.token}`,
      `${mine.token}\u0000`,
      mine.token.toUpperCase(),
      "' OR '1'='1",
    ])
      expect([forged, verdict(await spend(forged))]).toEqual([forged, refused]);
    for (const token of [null, [mine.token], { $gt: "" }, 1, ""])
      expect(verdict(await spend(token as string))).toBe("422 validation_failed");
    expect([verdict(await spend(mine.token)), verdict(await spend(other.token))]).toEqual(["200 ok", "200 ok"]);
  });

  if (renew)
    test("is superseded by a newer one of its kind, even before that one is mailed", async () => {
      const { token, person } = await mailed();
      await renew(person);
      expect(verdict(await spend(token))).toBe(refused);
    });
});

describe("a reset link", () => {
  const { mailed, spend } = kinds["a reset link"] as Kind;

  test.each<readonly [string, (person: Person, access: string) => Promise<Answer>]>([
    [
      "a changed password",
      ({ password }, access) =>
        usermesh.api.post(
          "auth/change-password",
          { current_password: password, new_password: "Other-horse-8-staple" },
          access,
        ),
    ],
    ["a logout everywhere", (_, access) => usermesh.api.post("auth/logout-all", undefined, access)],
    [
      "a deleted account",
      ({ password }, access) => usermesh.api.request("DELETE", "users/me", { body: { password }, token: access }),
    ],
    [
      "a disabled account",
      async ({ email }) => {
        const { body } = await usermesh.api.get(`admin/users?search=${encodeURIComponent(email)}`, vendor);
        return usermesh.api.put(`admin/users/${body.data[0].id}/status`, { is_active: false }, vendor);
      },
    ],
  ])("is voided by %s", async (_, end) => {
    const { token, person } = await mailed();
    const { access } = await signIn(usermesh, person);
    expect((await end(person, access)).status).toBe(200);
    expect(verdict(await spend(token))).toBe(refused);
  });

  test("is voided when the account's address changes", async () => {
    const { token, person } = await mailed();
    const moved = await received(person, await wishFor(person), /new email address[\s\S]*verify-email/);
    expect(verdict(await verify(moved.token))).toBe("200 ok");
    expect(verdict(await spend(token))).toBe(refused);
  });
});
