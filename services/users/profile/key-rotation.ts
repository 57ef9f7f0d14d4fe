import { resealRows } from "../../../mixins/reseal.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { reseal } from "./profile-view.ts";
import { profilesNotUnder, replaceSealed } from "./profiles.repo.ts";

type RotationDeps = Pick<UsersDeps, "db" | "ring"> & { readonly log: { error(about: object, text: string): void } };

export async function rotateKeys({ db, ring, log }: RotationDeps): Promise<{ profiles_resealed: number }> {
  const profiles_resealed = await resealRows({
    list: (limit) => profilesNotUnder(db, ring.active, limit),
    reseal: (profile) => replaceSealed(db, profile, reseal(ring, profile)),
    onFailure: ({ user_id }, { message }, failed) =>
      log.error({ failed, user_id, error: message }, "profile decryption failed"),
  });
  return { profiles_resealed };
}
