import { resealRows } from "../../../mixins/reseal.ts";
import type { AuthDeps } from "../dependencies.ts";
import { listCredentialsNotUnder, replaceSecret } from "../password/credentials.repo.ts";

type RotationDeps = Pick<AuthDeps, "db" | "ring" | "log" | "passwords" | "hashUpgrade" | "signingKeys">;

/** Maintains the signing keys, moves them and the credentials to the active key of the ring, and has weak hashes wrapped. */
export async function rotateKeys({
  db,
  ring,
  log,
  passwords,
  hashUpgrade,
  signingKeys,
}: RotationDeps): Promise<Record<string, number>> {
  const keys = await signingKeys.rotate();
  const credentials_resealed = await resealRows({
    list: (limit) => listCredentialsNotUnder(db, ring.active, limit),
    reseal: async (credential) =>
      replaceSecret(db, credential, passwords.reseal(credential.secret, credential.id), ring.active),
    onFailure: ({ id }, { message }, failed) =>
      log.error({ failed, credential: id, error: message }, "credential decryption failed"),
  });
  hashUpgrade.start();
  return { ...keys, credentials_resealed };
}
