import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { insertPasswordCredentials, type NewCredential } from "../password/credentials.repo.ts";
import { PasswordHashError, type PasswordHashProblem } from "../password/foreign/password-hash-error.ts";

type Params = Actions["auth.importCredentials"]["params"];
type Result = Actions["auth.importCredentials"]["result"];
type ImportDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "db" | "passwords" | "hashUpgrade">;
type Entry = Params["credentials"][number];
type Sealed = Omit<NewCredential, "confirmed">;

const problems: Readonly<Record<PasswordHashProblem, string>> = {
  unknown_scheme: "is not a hash of a system that can be imported: leave it out, and the user can reset the password",
  malformed: "is malformed",
  too_costly: "would make every sign-in too slow: leave it out, and the user can reset the password",
};

/**
 * How long a batch may take for wrapping weak hashes (see `PasswordHashing.wrap`). A few accounts are wrapped immediately. A
 * bcrypt for each of a million would take days, so the rest of a large import is left to the hash upgrade in the background.
 */
const WRAPPING_MS = 1_000;

/** Stores hashes before their accounts are imported. The sweep deletes those whose account is never created. */
export async function importCredentials(deps: ImportDeps, { params }: ActionContext<Params>): Promise<Result> {
  const refused: Result["refused"] = [];
  const sealed = params.credentials.flatMap((entry) => {
    try {
      return [seal(deps, entry)];
    } catch (error) {
      if (!(error instanceof PasswordHashError)) throw error;
      refused.push({ id: entry.user_id, field: "password_hash", code: error.code, message: problems[error.code] });
      return [];
    }
  });
  if (sealed.length > 0) await insertPasswordCredentials(deps.db, await wrapInTime(deps, sealed));
  deps.hashUpgrade.start();
  return { refused };
}

async function wrapInTime({ clock, passwords }: ImportDeps, sealed: Sealed[]): Promise<Sealed[]> {
  const deadline = clock.monotonic() + WRAPPING_MS;
  const wrap = async (one: Sealed) =>
    clock.monotonic() < deadline ? { ...one, secret: await passwords.wrap(one.secret, one.id) } : one;
  const wrapped: Sealed[] = [];
  for (const one of sealed) wrapped.push(await wrap(one));
  return wrapped;
}

function seal({ clock, random, ring, passwords }: ImportDeps, { user_id, password_hash }: Entry): Sealed {
  const id = newId(clock, random);
  return { id, user_id, secret: passwords.importHash(password_hash, id), kid: ring.active };
}
