import type { ActionContext } from "../../lib/actions/typed-call.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { AuthDeps } from "./dependencies.ts";
import { deleteOldAttempts } from "./login-throttle/login-attempts.repo.ts";
import { deleteOldPictureUrls } from "./oauth/identities.repo.ts";
import { deleteOldOAuth } from "./oauth/oauth.repo.ts";
import { deleteOldOneTimeTokens } from "./one-time-tokens/one-time-tokens.repo.ts";
import { confirmCredentials, deleteUnconfirmed, listUnconfirmedCredentials } from "./password/credentials.repo.ts";

type SweepDeps = Pick<AuthDeps, "db">;
type Ctx = Pick<ActionContext, "call">;

const BATCH_SIZE = 1_000;
const MAX_BATCHES = 20;

/** Deletes obsolete rows, a limited number of credentials per run. Resolves to the numbers deleted. */
export async function sweep({ db }: SweepDeps, ctx: Ctx): Promise<Record<string, number>> {
  return {
    one_time_tokens: await deleteOldOneTimeTokens(db),
    login_attempts: await deleteOldAttempts(db),
    oauth: await deleteOldOAuth(db),
    picture_urls: await deleteOldPictureUrls(db),
    orphans: await sweepOrphans({ db }, ctx),
    ...(await sweepServiceTables(db)),
  };
}

/**
 * Deletes credentials whose account was never created. They are a day old, and the users service refuses ids older
 * than 10 minutes, so the account cannot be created any more.
 */
async function sweepOrphans({ db }: SweepDeps, ctx: Ctx): Promise<number> {
  let deleted = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const credentials = await listUnconfirmedCredentials(db, BATCH_SIZE);
    if (credentials.length === 0) break;
    const users = await ctx.call("users.validate", { ids: [...new Set(credentials.map((one) => one.user_id))] });
    const existing = new Set(users.map((user) => user.id));
    const idsWhere = (exists: boolean) =>
      credentials.filter(({ user_id }) => existing.has(user_id) === exists).map(({ id }) => id);
    await confirmCredentials(db, idsWhere(true));
    deleted += await deleteUnconfirmed(db, idsWhere(false));
    if (credentials.length < BATCH_SIZE) break;
  }
  return deleted;
}
