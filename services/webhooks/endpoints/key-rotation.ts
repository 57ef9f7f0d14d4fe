import { resealRows } from "../../../mixins/reseal.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import { openSecret, sealSecret } from "./endpoint-secret.ts";
import { endpointsNotUnder, replaceSealed } from "./endpoints.repo.ts";

type RotationDeps = Pick<WebhooksDeps, "db" | "ring"> & { readonly log: { error(about: object, text: string): void } };

export async function rotateKeys({ db, ring, log }: RotationDeps): Promise<{ secrets_resealed: number }> {
  const secrets_resealed = await resealRows({
    list: (limit) => endpointsNotUnder(db, ring.active, limit),
    reseal: (row) => {
      const reseal = (sealed: string) => sealSecret(ring, row.id, openSecret(ring, row.id, sealed));
      const previous_secret = row.previous_secret === null ? null : reseal(row.previous_secret);
      return replaceSealed(db, row, { secret: reseal(row.secret), previous_secret });
    },
    onFailure: ({ id }, { message }, failed) =>
      log.error({ failed, id, error: message }, "webhook secret decryption failed"),
  });
  return { secrets_resealed };
}
