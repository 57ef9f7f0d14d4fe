import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { AuthDeps } from "../dependencies.ts";
import { insertPasswords, type NewCredential } from "../password/credentials.repo.ts";
import { PasswordHashError, type PasswordHashProblem } from "../password/password-hashing.ts";

type Params = Actions["auth.importCredentials"]["params"];
type Result = Actions["auth.importCredentials"]["result"];
type Deps = Pick<AuthDeps, "clock" | "random" | "ring" | "db" | "passwords">;
type Entry = Params["credentials"][number];

const problems: Readonly<Record<PasswordHashProblem, string>> = {
  unknown_scheme:
    "is no hash of bcrypt, Django's pbkdf2_sha256 or argon2: leave it out, and the person resets the password",
  malformed: "is not a whole hash of its kind",
  too_costly: "would cost more at each sign-in than is allowed: leave it out, and the person resets the password",
};

/** Under ids whose accounts are not there yet. What never becomes one is swept, as after a registration. */
export async function importCredentials(deps: Deps, { params }: ActionContext<Params>): Promise<Result> {
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
  if (sealed.length > 0) await insertPasswords(deps.db, sealed);
  return { refused };
}

function seal(
  { clock, random, ring, passwords }: Deps,
  { user_id, password_hash }: Entry,
): Omit<NewCredential, "confirmed"> {
  const id = newId(clock, random);
  return { id, user_id, secret: passwords.importHash(password_hash, id), kid: ring.active };
}
