import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import { createBulkhead } from "../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../services/auth/password/password-hashing.ts";
import type { Answer } from "../support/clients/api-client.ts";
import { liveSessions } from "../support/data/database-reads.ts";
import { vendorOf } from "../support/data/tenants.ts";
import { eventually } from "../support/eventually.ts";
import { linkToken, mailTo, type Person, register, signIn } from "../support/flows/main-flow.ts";
import type { Installation } from "../support/start/installation.ts";
import { startUsermesh } from "../support/start/usermesh.ts";

/** Sign-ins that are voided while their password is being compared. */
let usermesh: Installation;
beforeAll(async () => {
  usermesh = await startUsermesh({ PASSWORD_HASH_CONCURRENCY: "2" });
});
afterAll(() => usermesh.stop());

/** At least half a second: as long as a production hash takes on a slow machine. */
const SLOW_COST = 13;

async function giveSlowHash({ id, password }: Person & { readonly id: string }): Promise<void> {
  const bulkhead = createBulkhead({ concurrency: 1, queue: 1 });
  const hashing = createPasswordHashing({ ring: parseKeyRing(usermesh.secretKey), cost: SLOW_COST, bulkhead });
  const sql = "SELECT id FROM auth.credentials WHERE user_id = $1";
  const [credential] = await usermesh.database.query<{ id: string }>(sql, [id]);
  const secret = await hashing.hash(password, credential?.id ?? "");
  await usermesh.database.query("UPDATE auth.credentials SET secret = $2 WHERE user_id = $1", [id, secret]);
}

const isBeingChecked = (id: string) => async () => {
  const sql = "SELECT pending FROM auth.login_attempts WHERE user_id = $1 AND key = account";
  return (await usermesh.database.query<{ pending: number }>(sql, [id]))[0]?.pending === 1;
};

type RegisteredPerson = Person & { readonly id: string };
interface Ending {
  /** Runs before the sign-in starts. */
  prepare?(person: RegisteredPerson): Promise<string>;
  end(person: RegisteredPerson, prepared: string): Promise<Answer>;
  readonly answer: string;
}

const endings: Readonly<Record<string, Ending>> = {
  "a password reset": {
    async prepare({ email }) {
      await usermesh.api.post("auth/password-reset-request", { email });
      return linkToken(await mailTo(usermesh, email, /reset-password/));
    },
    end: (_, token) =>
      usermesh.api.post("auth/password-reset-confirm", { token, new_password: "Fresh-horse-8-staple" }),
    answer: "401 session_ended",
  },
  "a deactivation by an administrator": {
    prepare: () => vendorOf(usermesh),
    end: ({ id }, admin) => usermesh.api.put(`admin/users/${id}/status`, { is_active: false }, admin),
    answer: "401 session_ended",
  },
  "a logout everywhere": {
    prepare: async (person) => (await signIn(usermesh, person)).access,
    end: (_, access) => usermesh.api.post("auth/logout-all", undefined, access),
    answer: "401 session_ended",
  },
  "an administrator's revocation of all sessions": {
    prepare: () => vendorOf(usermesh),
    end: ({ id }, admin) => usermesh.api.delete(`admin/users/${id}/sessions`, admin),
    answer: "401 session_ended",
  },
};

describe("a sign-in with the correct password", () => {
  test.each(Object.entries(endings))(
    "creates no session if it is overtaken by %s",
    async (_, { prepare, end, answer }) => {
      const person = await register(usermesh);
      const prepared = (await prepare?.(person)) ?? "";
      await giveSlowHash(person);
      let answered = false;
      const { email, password } = person;
      const login = usermesh.api.post("auth/login", { email, password }).finally(() => {
        answered = true;
      });
      await eventually("the password being looked at", isBeingChecked(person.id));
      expect((await end(person, prepared)).status).toBe(200);
      expect(answered).toBe(false);
      const { status, body } = await login;
      expect(`${status} ${body.code ?? "ok"}`).toBe(answer);
      expect(await liveSessions(usermesh, person.id)).toBe(0);
    },
  );
});
