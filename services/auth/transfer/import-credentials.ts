import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { insertPasswordCredentials, type NewCredential } from "../password/credentials.repo.ts";
import { PasswordHashError, type PasswordHashProblem } from "../password/hash-schemes.ts";

type Params = Actions["auth.importCredentials"]["params"];
type Result = Actions["auth.importCredentials"]["result"];
type ImportDeps = Pick<AuthDeps, "clock" | "random" | "ring" | "db" | "passwords">;
type Entry = Params["credentials"][number];

const problems: Readonly<Record<PasswordHashProblem, string>> = {
  unknown_scheme:
    "is not a bcrypt, pbkdf2_sha256 (Django) or argon2 hash: leave it out, and the user can reset the password",
  malformed: "is malformed",
  too_costly: "would make every sign-in too slow: leave it out, and the user can reset the password",
};

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
  if (sealed.length > 0) await insertPasswordCredentials(deps.db, sealed);
  return { refused };
}

function seal(
  { clock, random, ring, passwords }: ImportDeps,
  { user_id, password_hash }: Entry,
): Omit<NewCredential, "confirmed"> {
  const id = newId(clock, random);
  return { id, user_id, secret: passwords.importHash(password_hash, id), kid: ring.active };
}
