import type { UsersDeps } from "../core/users.deps.ts";
import { resealed } from "./profile-view.ts";
import { profilesNotUnder, replaceSealed } from "./profiles.repo.ts";

type RotationDeps = Pick<UsersDeps, "db" | "ring"> & { readonly log: { error(about: object, text: string): void } };

const BATCH = 500;
const BATCHES = 20;

/** What is sealed under an older key of the ring is sealed anew, so much at a time. */
export async function rotateKeys(deps: RotationDeps): Promise<{ profiles_resealed: number }> {
  let profiles_resealed = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const count = await resealBatch(deps);
    profiles_resealed += count;
    if (count < BATCH) break;
  }
  return { profiles_resealed };
}

async function resealBatch({ db, ring, log }: RotationDeps): Promise<number> {
  let count = 0;
  for (const profile of await profilesNotUnder(db, ring.active, BATCH)) {
    try {
      if (await replaceSealed(db, profile, resealed(ring, profile))) count += 1;
    } catch (error) {
      log.error({ user_id: profile.user_id, error: (error as Error).message }, "profile decryption failed");
    }
  }
  return count;
}
