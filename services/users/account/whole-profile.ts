import { requireUser } from "../../../lib/actions/caller.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { ProfileChange } from "../contract/users-shapes.contract.ts";
import type { UserView } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { ProfileView } from "../profile/profile-view.ts";
import { changeProfile, getProfile } from "../profile/update-profile.ts";
import { getMe } from "./get-user.ts";
import { changeMe, prepareSignInNameChange } from "./update-me.ts";

type Params = Actions["users.updateWholeProfile"]["params"];
type WholeProfile = Actions["users.wholeProfile"]["result"];

/** Account and profile as one resource, as clients of earlier systems know them. */
export async function getWholeProfile(deps: UsersDeps, ctx: ActionContext): Promise<WholeProfile> {
  const [user, profile] = await Promise.all([getMe(deps, ctx), getProfile(deps, ctx)]);
  return mergeViews(user, profile);
}

/** Changes account and profile in one transaction. */
export function updateWholeProfile(deps: UsersDeps, ctx: ActionContext<Params>): Promise<WholeProfile> {
  const caller = requireUser(ctx.caller);
  const { accountParams, profileParams } = splitParams(ctx.params);
  const accountCtx = { ...ctx, params: accountParams };
  return runIdempotently(deps.caches.invalidating(ctx.call, caller.user_id), ctx, {
    userId: caller.user_id,
    prepare: () => prepareSignInNameChange(deps, accountCtx, caller),
    commit: async (tx, epoch) => {
      const user = await changeMe(deps, tx, accountCtx, caller, epoch);
      const account = { ...user, created_at: new Date(user.created_at) };
      return mergeViews(user, await changeProfile(deps, tx, { ...ctx, params: profileParams }, account));
    },
  });
}

function splitParams(params: Params): { accountParams: Params; profileParams: Params } {
  const entries = Object.entries(params);
  const isOfProfile = ([name]: [string, unknown]) => Object.hasOwn(ProfileChange.shape, name);
  return {
    accountParams: Object.fromEntries(entries.filter((entry) => !isOfProfile(entry))),
    profileParams: Object.fromEntries(entries.filter(isOfProfile)),
  };
}

function mergeViews(user: UserView, { user_id: _, updated_at, ...profile }: ProfileView): WholeProfile {
  return { ...user, ...profile, updated_at: user.updated_at > updated_at ? user.updated_at : updated_at };
}
