import type { AuthDeps } from "../dependencies.ts";
import { credentialsNotUnder, replaceSecret } from "../password/credentials.repo.ts";

type RotationDeps = Pick<AuthDeps, "db" | "ring" | "log" | "passwords" | "signingKeys">;

const BATCH = 500;
const BATCHES = 20;

/** Signing keys come and go in time; what is sealed under an older key of the ring is sealed anew, so much at a time. */
export async function rotateKeys(deps: RotationDeps): Promise<Record<string, number>> {
  const keys = await deps.signingKeys.rotate();
  let resealed = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const found = await resealBatch(deps);
    resealed += found;
    if (found < BATCH) break;
  }
  return { ...keys, credentials_resealed: resealed };
}

async function resealBatch({ db, ring, log, passwords }: RotationDeps): Promise<number> {
  let resealed = 0;
  for (const credential of await credentialsNotUnder(db, ring.active, BATCH)) {
    try {
      const secret = passwords.reseal(credential.secret, credential.id);
      if (await replaceSecret(db, credential, secret, ring.active)) resealed += 1;
    } catch (error) {
      log.error({ credential: credential.id, error: (error as Error).message }, "credential decryption failed");
    }
  }
  return resealed;
}
