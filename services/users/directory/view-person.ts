import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { PersonProfile } from "../contract/users-shapes.contract.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { emptyProfile, viewProfile } from "../profile/profile-view.ts";
import { readProfile } from "../profile/profiles.repo.ts";
import { type PersonRow, readPerson, type Viewer } from "./people.repo.ts";

type Person = Actions["users.person"]["result"];
type PersonProfileView = Actions["users.personProfile"]["result"];
type Ctx = ActionContext<{ readonly id: string }>;

/** A private account and one that does not exist are both 404. */
export async function getPerson({ db }: Pick<UsersDeps, "db">, ctx: Ctx): Promise<Person> {
  const row = await readPerson(db, viewerOf(ctx), ctx.params.id);
  if (!row) throw new AppError("not_found");
  return viewPerson(row);
}

/** The profile without the fields that only its owner sees. */
export async function getPersonProfile(
  { db, ring }: Pick<UsersDeps, "db" | "ring">,
  ctx: Ctx,
): Promise<PersonProfileView> {
  const person = await readPerson(db, viewerOf(ctx), ctx.params.id);
  if (!person) throw new AppError("not_found");
  const row = (await readProfile(db, person.id)) ?? emptyProfile(person.id, person.created_at);
  const view = viewProfile(ring, { ...row, sealed: null });
  const shown = Object.keys(PersonProfile.shape) as Array<keyof PersonProfileView>;
  return Object.fromEntries(shown.map((name) => [name, view[name]])) as PersonProfileView;
}

/** Tells services that store other data about people whether the viewer may see this account. */
export async function isVisible(
  { db }: Pick<UsersDeps, "db">,
  { params }: ActionContext<Actions["users.isVisible"]["params"]>,
): Promise<{ visible: boolean }> {
  const viewer = { id: params.viewer_id, tenantId: params.tenant_id, asConnection: params.as_connection };
  return { visible: (await readPerson(db, viewer, params.id)) !== undefined };
}

export function viewerOf({ caller }: Pick<ActionContext, "caller">): Viewer {
  const { user_id, tenant_id, permissions } = requireUser(caller);
  return { id: user_id, tenantId: tenant_id, asConnection: permissions.includes("connections:assert") };
}

export function viewPerson({ created_at, ...row }: PersonRow): Person {
  return { ...row, created_at: created_at.toISOString() };
}
