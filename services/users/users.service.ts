import type { ServiceSchema } from "moleculer";
import { userOf } from "../../lib/caller.ts";
import { AppError } from "../../lib/errors.ts";
import type { MeshEvent } from "../../lib/events.ts";
import { type ActionContext, type Call, implement } from "../../lib/mesh.ts";
import { groupKey } from "../../lib/near-cache.ts";
import type { Platform } from "../../lib/platform.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { databaseStatus } from "../../mixins/database-status.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { createServiceCaches } from "../../mixins/near-cache.mixin.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { adminUpdate } from "./admin-update.ts";
import { createAvatarStore } from "./avatar-store.ts";
import { deleteAvatar, readAvatar, setAvatar } from "./change-avatar.ts";
import { downgrade, upgrade } from "./change-subscription.ts";
import { claimsOf } from "./claims.ts";
import { confirmEmail } from "./confirm-email.ts";
import { createCounts } from "./counts.ts";
import { createUser } from "./create-user.ts";
import { deleteByAdmin, deleteMe } from "./delete-account.ts";
import { getEmailChange, recordEmailChangeMail } from "./email-change-mails.ts";
import { endPendingEmail } from "./end-pending-email.ts";
import { eraseDue, eraseRestored } from "./erase-due.ts";
import { countErasures } from "./erasures.repo.ts";
import { expireSubscriptions } from "./expire-subscriptions.ts";
import { exportSections } from "./export.ts";
import { exportAccounts } from "./export-accounts.ts";
import { findForSignIn, readSignInView } from "./find-for-sign-in.ts";
import { getForAdmin, getMe, getUser } from "./get-user.ts";
import { importable, importUsers } from "./import-users.ts";
import { rotateKeys } from "./key-rotation.ts";
import { listUsers } from "./list-users.ts";
import { checkManageable } from "./manageable.ts";
import { forgetPushToken, getPushRecipient } from "./push-tokens.ts";
import { createRole, deleteRole, listRoles, updateRole } from "./roles.ts";
import { searchPeople } from "./search-people.ts";
import { setStatus } from "./set-status.ts";
import { setVisibility } from "./set-visibility.ts";
import { readValidity } from "./sign-in.repo.ts";
import { createUsersSnapshot } from "./snapshot.ts";
import { getStats } from "./stats.ts";
import { sweepUsers } from "./sweep.ts";
import { tenantSettings } from "./tenant-settings.ts";
import { createTenant, getTenant, listTenants, updateTenant } from "./tenants.ts";
import { updateMe } from "./update-me.ts";
import { getProfile, updateProfile } from "./update-profile.ts";
import { endOfView } from "./user-view.ts";
import { usersContract } from "./users.contract.ts";
import type { UsersDeps } from "./users.deps.ts";
import { ProfileEntity } from "./users.entities.ts";
import { findTenantId, updateLastLogin } from "./users.repo.ts";
import { viewErasure } from "./view-erasure.ts";
import { getPerson, getPersonProfile, isVisible } from "./view-person.ts";
import { getWholeProfile, updateWholeProfile } from "./whole-profile.ts";

/** The figure of the systems that came before. */
const CACHED_MS = 3_600_000;

/** The accounts: who there is, under which unique names, in which tenant, with which roles. */
export default function usersService(platform: Platform): ServiceSchema {
  const { config, clock, random, ring, log } = platform;
  const db = createDatabase(platform, { schema: "users", entities: [ProfileEntity] });
  const outbox = createOutbox(platform, db, "users", createUsersSnapshot(platform));
  const caches = createServiceCaches(platform, "users");
  const deps: UsersDeps = {
    db,
    outbox,
    clock,
    random,
    ring,
    counts: createCounts(clock, db),
    bounds: config.auth,
    avatars: createAvatarStore(config.uploads.folder, db),
    publicUrl: config.http.publicUrl,
    accounts: caches.open("users", CACHED_MS, { endOf: endOfView, groupOf: (user) => groupKey(user.tenant_id) }),
    profiles: caches.open("profiles", CACHED_MS),
  };
  const forgotten = (call: Call, id: string) => caches.writing(call, id, async () => undefined);
  const deletion = { ...deps, eraseAfterDays: config.eraseAfterDays };
  const erasure = { ...deps, caches, events: platform.events, log };
  const effects = {
    "user.erased": (event: MeshEvent, call: Call) => eraseRestored(erasure, call, event.user_id),
    "password.changed": (event: MeshEvent, call: Call) =>
      caches.writing(call, event.user_id, () => endPendingEmail(deps, event)),
    "user.deactivated": (event: MeshEvent, call: Call) => forgotten(call, event.user_id),
    "user.reactivated": (event: MeshEvent, call: Call) => forgotten(call, event.user_id),
  };
  /** Every action that changes an account or its profile goes through here: caches forget it first. */
  const writing = <P, R>(ctx: ActionContext<P>, id: string, write: () => Promise<R>): Promise<R> =>
    caches.writing(ctx.call, id, write);
  return {
    name: usersContract.name,
    mixins: [
      database(db),
      outboxRelay(outbox),
      caches.mixin,
      eventConsumer(platform, { service: usersContract.name, stream: "USERS", effects }),
    ],
    actions: implement(usersContract, {
      create: (ctx) => createUser(deps, ctx),
      findForSignIn: (ctx) => findForSignIn(deps, ctx),
      signInView: (ctx) => readSignInView(deps, ctx.params.id),
      claims: (ctx) => claimsOf(deps, ctx.params.id),
      signedIn: async (ctx) => {
        await writing(ctx, ctx.params.id, () => updateLastLogin(db, ctx.params.id, ctx.params.at));
        return {};
      },
      confirmEmail: (ctx) => writing(ctx, ctx.params.user_id, () => confirmEmail(deps, ctx)),
      get: (ctx) => getUser(deps, ctx.params.id),
      validate: (ctx) => readValidity(db, ctx.params.ids),
      me: (ctx) => getMe(deps, ctx),
      updateMe: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => updateMe(deps, ctx)),
      profile: (ctx) => getProfile(deps, ctx),
      updateProfile: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => updateProfile(deps, ctx)),
      wholeProfile: (ctx) => getWholeProfile(deps, ctx),
      updateWholeProfile: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => updateWholeProfile(deps, ctx)),
      setVisibility: (ctx) => setVisibility(deps, ctx),
      upgrade: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => upgrade(deps, ctx)),
      downgrade: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => downgrade(deps, ctx)),
      expireSubscriptions: (ctx) => expireSubscriptions(deps, ctx),
      stats: (ctx) => getStats(deps, ctx),
      search: (ctx) => searchPeople(deps, ctx),
      person: (ctx) => getPerson(deps, ctx),
      personProfile: (ctx) => getPersonProfile(deps, ctx),
      visible: (ctx) => isVisible(deps, ctx),
      setAvatar: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => setAvatar(deps, ctx)),
      deleteAvatar: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => deleteAvatar(deps, ctx)),
      avatar: (ctx) => readAvatar(deps, ctx),
      emailChange: (ctx) => getEmailChange(deps, ctx.params.intent),
      emailChangeMailed: (ctx) => recordEmailChangeMail(deps, ctx),
      pushRecipient: (ctx) => getPushRecipient(deps, ctx.params.id),
      forgetPushToken: (ctx) => writing(ctx, ctx.params.id, () => forgetPushToken(deps, ctx)),
      list: (ctx) => listUsers(deps, ctx),
      adminGet: (ctx) => getForAdmin(deps, ctx),
      // The account is disabled also while sessions are away; its event makes the caches forget it then.
      setStatus: async (ctx) => {
        const user = await setStatus(deps, ctx);
        await forgotten(ctx.call, ctx.params.id).catch(pending);
        return user;
      },
      adminUpdate: (ctx) => writing(ctx, ctx.params.id, () => adminUpdate(deps, ctx)),
      manageable: (ctx) => checkManageable(db, ctx),
      roles: (ctx) => listRoles(deps, ctx),
      createRole: (ctx) => createRole(deps, ctx),
      updateRole: (ctx) => updateRole(deps, ctx),
      // Accounts tell their roles.
      deleteRole: (ctx) =>
        caches.writing(ctx.call, groupKey(userOf(ctx.caller).tenant_id), () => deleteRole(deps, ctx)),
      tenants: (ctx) => listTenants(deps, ctx),
      tenant: (ctx) => getTenant(deps, ctx),
      createTenant: (ctx) => createTenant(deps, ctx),
      updateTenant: (ctx) => updateTenant(deps, ctx),
      findTenant: async ({ params }) => {
        const id = await findTenantId(db, params.slug);
        return id === undefined ? null : { id };
      },
      tenantSettings: (ctx) => tenantSettings(deps, ctx.params),
      forget: async ({ params }) => caches.forget(params),
      databaseStatus: () => databaseStatus(db, clock),
      counts: () => deps.counts.installation(),
      rotateKeys: () => rotateKeys({ db, ring, log }),
      deleteMe: (ctx) => writing(ctx, userOf(ctx.caller).user_id, () => deleteMe(deletion, ctx)),
      adminDelete: (ctx) => writing(ctx, ctx.params.id, () => deleteByAdmin(deletion, ctx)),
      erasure: (ctx) => viewErasure(db, ctx),
      erasureFigures: () => countErasures(db),
      eraseDue: ({ call, correlationId }) => eraseDue(erasure, call, correlationId),
      importable: (ctx) => importable(deps, ctx),
      import: (ctx) => importUsers(deps, ctx),
      exportAccounts: (ctx) => exportAccounts(deps, ctx),
      export: ({ caller, params }) => exportPage(exportSections(deps), userOf(caller).user_id, params.cursor),
      sweep: () => sweepUsers(deps),
    }),
  };
}

function pending(cause: unknown): never {
  throw new AppError("revocation_pending", { retry_after: 1, cause });
}
