import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { readLoginsTotal, readUser } from "../core/users.repo.ts";
import { emptyProfile, type ProfileView, viewProfile } from "./profile-view.ts";
import { readProfile } from "./profiles.repo.ts";

const DAY_MS = 86_400_000;

export async function getStats(
  { db, ring, clock }: Pick<UsersDeps, "db" | "ring" | "clock">,
  ctx: ActionContext,
): Promise<Actions["users.stats"]["result"]> {
  const { user_id } = requireUser(ctx.caller);
  const [row, profile, logins_total, { active }] = await Promise.all([
    readUser(db, user_id),
    readProfile(db, user_id),
    readLoginsTotal(db, user_id),
    ctx.call("sessions.count", { user_id }),
  ]);
  if (!row) throw new AppError("session_ended");
  const user = viewUser(row);
  return {
    account_age_days: Math.max(0, Math.floor((clock.now().getTime() - row.created_at.getTime()) / DAY_MS)),
    profile_completeness: completeness(user, viewProfile(ring, profile ?? emptyProfile(user_id, row.created_at))),
    active_sessions: active,
    logins_total,
    last_login_at: user.last_login_at,
    is_verified: user.is_verified,
    subscription: user.subscription,
  };
}

const basic = ["username", "full_name", "current_title", "company", "location", "bio", "avatar_url"] as const;
const extended = [
  "phone",
  "industry",
  "years_of_experience",
  "skills",
  "education",
  "experience",
  "languages",
  "headline",
] as const;

/** Percentage of the fields that others look for. Gender, date of birth and links are not counted. */
export function completeness(user: UserView, profile: ProfileView): number {
  const values = [...basic.map((name) => user[name]), ...extended.map((name) => profile[name])];
  const filled = values.filter((value) => (Array.isArray(value) ? value.length > 0 : value !== null));
  return Math.round((filled.length / values.length) * 100);
}
