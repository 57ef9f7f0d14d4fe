import type { ActionContext } from "../../lib/actions/typed-call.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { AuthDeps } from "./dependencies.ts";
import { deleteOldAttempts } from "./login-throttle/login-attempts.repo.ts";
import { deleteOldOAuth } from "./oauth/oauth.repo.ts";
import { deleteOldOneTimeTokens } from "./one-time-tokens/one-time-tokens.repo.ts";
import { confirmCredentials, deleteUnconfirmed, unconfirmedCredentials } from "./password/credentials.repo.ts";

type SweepDeps = Pick<AuthDeps, "db">;

const BATCH = 1_000;
const BATCHES = 20;

/** So much at a time: what is left is taken by the next one. */
export async function sweep({ db }: SweepDeps, ctx: Pick<ActionContext, "call">): Promise<Record<string, number>> {
  return {
    one_time_tokens: await deleteOldOneTimeTokens(db),
    login_attempts: await deleteOldAttempts(db),
    oauth: await deleteOldOAuth(db),
    orphans: await sweepOrphans({ db }, ctx),
    ...(await sweepServiceTables(db)),
  };
}

/** Credentials whose account never came to be. users refuses ids older than 10 minutes: none can come any more. */
async function sweepOrphans({ db }: SweepDeps, ctx: Pick<ActionContext, "call">): Promise<number> {
  let deleted = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const found = await unconfirmedCredentials(db, BATCH);
    if (found.length === 0) break;
    const users = await ctx.call("users.validate", { ids: [...new Set(found.map((one) => one.user_id))] });
    const there = new Set(users.map((user) => user.id));
    await confirmCredentials(
      db,
      found.filter((one) => there.has(one.user_id)).map((one) => one.id),
    );
    deleted += await deleteUnconfirmed(
      db,
      found.filter((one) => !there.has(one.user_id)).map((one) => one.id),
    );
    if (found.length < BATCH) break;
  }
  return deleted;
}
