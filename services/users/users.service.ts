import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { type Call, implement } from "../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../lib/events/events.ts";
import { groupKey } from "../../lib/revocation/near-cache.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { databaseStatus } from "../../mixins/database/database-status.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { countByKey, knownKeys, readKeyUsage, reportKeyUsage } from "../../mixins/key-usage.ts";
import { createServiceCaches } from "../../mixins/near-cache.mixin.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { adminCreate } from "./account/admin-create.ts";
import { adminUpdate } from "./account/admin-update.ts";
import { createUser } from "./account/create-user.ts";
import { getForAdmin, getMe, getUser } from "./account/get-user.ts";
import { getPushRecipient, removePushToken } from "./account/push-tokens.ts";
import { setStatus } from "./account/set-status.ts";
import { readValidity } from "./account/sign-in.repo.ts";
import { findForSignIn, getClaims, readSignInView } from "./account/sign-in.ts";
import { createUsersSnapshot } from "./account/snapshot.ts";
import { updateMe } from "./account/update-me.ts";
import { getVisibility, setVisibility } from "./account/visibility.ts";
import { getWholeProfile, updateWholeProfile } from "./account/whole-profile.ts";
import { endOfView } from "./core/user-view.ts";
import type { CachedAccount, UsersDeps } from "./core/users.deps.ts";
import { findTenantId, recordLogin } from "./core/users.repo.ts";
import { createCounts } from "./directory/counts.ts";
import { listUsers } from "./directory/list-users.ts";
import { searchPeople } from "./directory/search-people.ts";
import { getPerson, getPersonProfile, isVisible } from "./directory/view-person.ts";
import { cancelPendingEmail } from "./email-change/cancel-pending-email.ts";
import { confirmEmail } from "./email-change/confirm-email.ts";
import { readEmailChange, recordMail } from "./email-change/email-changes.repo.ts";
import { onProof, recordProof } from "./email-change/record-proof.ts";
import { deleteByAdmin, deleteMe } from "./erasure/delete-account.ts";
import { eraseDue, eraseRestored } from "./erasure/erase-due.ts";
import { countErasures } from "./erasure/erasures.repo.ts";
import { exportSections } from "./erasure/export.ts";
import { restoreOwn } from "./erasure/restore-account.ts";
import { listErasures, listTenantErasures, viewErasure } from "./erasure/view-erasure.ts";
import { adoptAvatar } from "./profile/adopt-avatar.ts";
import { createAvatarStore } from "./profile/avatar-store.ts";
import { deleteAvatar, readAvatar, setAvatar } from "./profile/change-avatar.ts";
import { rotateKeys } from "./profile/key-rotation.ts";
import { getStats } from "./profile/stats.ts";
import { getProfile, updateProfile } from "./profile/update-profile.ts";
import { appointAdministrator } from "./roles/appoint-administrator.ts";
import { checkCanManage } from "./roles/privilege-checks.ts";
import { hasAdministrator } from "./roles/roles.repo.ts";
import { createRole, deleteRole, listRoles, updateRole } from "./roles/roles.ts";
import { downgrade, upgrade } from "./subscriptions/change-subscription.ts";
import { expireSubscriptions } from "./subscriptions/expire-subscriptions.ts";
import { sweepUsers } from "./sweep.ts";
import { getTenantBrand } from "./tenants/tenant-brand.ts";
import { assertWithinAccountLimit } from "./tenants/tenant-limit.ts";
import { getTenantSettings } from "./tenants/tenant-settings.ts";
import { createTenant, getTenant, listTenants } from "./tenants/tenants.ts";
import { deleteTenant, updateTenant } from "./tenants/update-tenant.ts";
import { exportAccounts } from "./transfer/export-accounts.ts";
import { importable, importUsers } from "./transfer/import-users.ts";
import { usersContract } from "./users.contract.ts";
import { usersEntities } from "./users.entities.ts";

/** One hour, as in the earlier systems whose clients Usermesh supports. */
const CACHED_MS = 3_600_000;
const LAST_LOGIN_CACHED_MS = 60_000;
const SEALED_PROFILES = { table: "users.profiles", kid: "split_part(sealed, '.', 2)", where: "sealed IS NOT NULL" };
const KEY_USAGE = countByKey(SEALED_PROFILES);

/** Accounts with their unique names, profiles, tenants, roles and subscriptions. */
export default function usersService(platform: Platform): ServiceSchema {
  const { config, clock, random, ring, log } = platform;
  const db = createDatabase(platform, { schema: "users", entities: usersEntities });
  const outbox = createOutbox(platform, db, "users", createUsersSnapshot(platform));
  const caches = createServiceCaches(platform, db);
  const deps: UsersDeps = {
    db,
    outbox,
    clock,
    random,
    ring,
    counts: createCounts(clock, db),
    bounds: config.auth,
    avatars: createAvatarStore(config.uploads.dir, db),
    publicUrl: config.http.publicUrl,
    caches,
    accounts: caches.open<CachedAccount>("users", CACHED_MS, {
      endOf: endOfView,
      groupOf: (user) => groupKey(user.tenant_id),
    }),
    lastLogins: caches.open("last_logins", LAST_LOGIN_CACHED_MS),
    visibilities: caches.open("visibility", CACHED_MS),
    profiles: caches.open("profiles", CACHED_MS),
  };
  const deletion = { ...deps, graceDays: config.accountDeletionGraceDays };
  const erasure = { ...deps, events: platform.events, log };
  const handlers = {
    "user.erased": (event: MeshEvent, call: Call) => eraseRestored(erasure, call, event.user_id),
    "password.changed": async (event: MeshEvent, call: Call) => {
      await cancelPendingEmail(deps, call, event);
      await onProof(deps, event, call);
    },
    "user.deactivated": (event: MeshEvent, call: Call) => caches.invalidate(call, event.user_id),
    "user.reactivated": (event: MeshEvent, call: Call) => caches.invalidate(call, event.user_id),
  };
  reportKeyUsage(platform.metrics, { db, ring, clock }, "profiles", KEY_USAGE);
  return {
    name: usersContract.name,
    mixins: [
      database(db),
      knownKeys({ db, ring, log }, "profiles", SEALED_PROFILES),
      outboxRelay(outbox),
      caches.mixin,
      eventConsumer(platform, { service: usersContract.name, stream: "USERS", handlers }),
    ],
    actions: implement(usersContract, {
      create: (ctx) => createUser(deps, ctx),
      restoreOwn: (ctx) => restoreOwn(deps, ctx),
      findForSignIn: (ctx) => findForSignIn(deps, ctx),
      signInView: (ctx) => readSignInView(deps, ctx.params.id),
      claims: (ctx) => getClaims(deps, ctx.params.id),
      appointAdministrator: (ctx) => appointAdministrator(deps, ctx),
      hasAdministrator: async ({ params }) => ({ exists: await hasAdministrator(deps.db, params.tenant_id) }),
      recordLogin: async (ctx) => {
        await recordLogin(db, ctx.params.id, ctx.params.at);
        return {};
      },
      confirmEmail: (ctx) => confirmEmail({ ...deps, assertWithinAccountLimit }, ctx),
      recordProof: async (ctx) => ({ user: await recordProof(deps, ctx, ctx.params) }),
      get: (ctx) => getUser(deps, ctx.params.id),
      validate: (ctx) => readValidity(db, ctx.params.ids),
      me: (ctx) => getMe(deps, ctx),
      updateMe: (ctx) => updateMe(deps, ctx),
      profile: (ctx) => getProfile(deps, ctx),
      updateProfile: (ctx) => updateProfile(deps, ctx),
      wholeProfile: (ctx) => getWholeProfile(deps, ctx),
      updateWholeProfile: (ctx) => updateWholeProfile(deps, ctx),
      visibility: ({ params }) => getVisibility(deps, params.user_id),
      setVisibility: (ctx) => setVisibility(deps, ctx),
      upgrade: (ctx) => upgrade({ ...deps, settingsOf: (id) => getTenantSettings(deps, { id }) }, ctx),
      downgrade: (ctx) => downgrade(deps, ctx),
      expireSubscriptions: (ctx) => expireSubscriptions(deps, ctx),
      stats: (ctx) => getStats(deps, ctx),
      search: (ctx) => searchPeople(deps, ctx),
      person: (ctx) => getPerson(deps, ctx),
      personProfile: (ctx) => getPersonProfile(deps, ctx),
      isVisible: (ctx) => isVisible(deps, ctx),
      setAvatar: (ctx) => setAvatar(deps, ctx),
      adoptAvatar: (ctx) => adoptAvatar(deps, ctx),
      deleteAvatar: (ctx) => deleteAvatar(deps, ctx),
      avatar: (ctx) => readAvatar(deps, ctx),
      emailChange: async ({ params }) => (await readEmailChange(db, params.token_id)) ?? null,
      recordEmailChangeMail: async ({ params }) => {
        await recordMail(db, params.token_id, params.kind);
        return {};
      },
      pushRecipient: (ctx) => getPushRecipient(deps, ctx.params.id),
      removePushToken: (ctx) => removePushToken(deps, ctx),
      list: (ctx) => listUsers(deps, ctx),
      adminGet: (ctx) => getForAdmin(deps, ctx),
      setStatus: (ctx) => setStatus(deps, ctx),
      adminCreate: (ctx) => adminCreate(deps, ctx),
      adminUpdate: (ctx) => adminUpdate(deps, ctx),
      canManage: (ctx) => checkCanManage(db, ctx),
      roles: (ctx) => listRoles(deps, ctx),
      createRole: (ctx) => createRole(deps, ctx),
      updateRole: (ctx) => updateRole(deps, ctx),
      deleteRole: (ctx) => deleteRole(deps, ctx),
      tenants: (ctx) => listTenants(deps, ctx),
      tenant: (ctx) => getTenant(deps, ctx),
      invite: (ctx) => adminCreate(deps, ctx),
      createTenant: (ctx) => createTenant(deps, ctx),
      updateTenant: (ctx) => updateTenant(deps, ctx),
      setTenantLogo: (ctx) => updateTenant(deps, ctx),
      deleteTenant: (ctx) => deleteTenant(deletion, ctx),
      findTenant: async ({ params }) => {
        const id = await findTenantId(db, params.slug);
        return id === undefined ? null : { id };
      },
      tenantBrand: (ctx) => getTenantBrand(deps, ctx.params),
      tenantSettings: (ctx) => getTenantSettings(deps, ctx.params),
      invalidateCache: async ({ params }) => caches.applyInvalidation(params),
      databaseStatus: () => databaseStatus(db, clock),
      counts: () => deps.counts.installation(),
      rotateKeys: () => rotateKeys({ db, ring, log }),
      deleteMe: (ctx) => deleteMe(deletion, ctx),
      adminDelete: (ctx) => deleteByAdmin(deletion, ctx),
      erasure: (ctx) => viewErasure(db, ctx),
      tenantErasures: (ctx) => listTenantErasures(db, ctx),
      erasures: ({ params }) => listErasures(db, Number(params.limit)),
      erasureStats: () => countErasures(db),
      eraseDue: ({ call, correlationId }) => eraseDue(erasure, call, correlationId),
      importable: (ctx) => importable(deps, ctx),
      import: (ctx) => importUsers(deps, ctx),
      exportAccounts: (ctx) => exportAccounts(deps, ctx),
      export: ({ caller, params }) => exportPage(exportSections(deps), requireUser(caller).user_id, params.cursor),
      ...outboxOperations(db, outbox),
      keyUsage: () => readKeyUsage(deps, "profiles", KEY_USAGE),
      sweep: (ctx) => sweepUsers(deps, ctx.call),
    }),
  };
}
