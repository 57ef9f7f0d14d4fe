import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import { createCount } from "../../lib/runtime/count.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { countByKey, readKeyUsage, reportKeyUsage } from "../../mixins/key-usage.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { eraseSessions, exportSections } from "./personal-data.ts";
import { accountEvents } from "./revocation/account-events.ts";
import { bumpTokenVersion, invalidateCache } from "./revocation/invalidate.ts";
import { deleteLease, renewLease } from "./revocation/leases.repo.ts";
import { createSession } from "./session/create-session.ts";
import { getSession, listForUser, listOwn } from "./session/list-sessions.ts";
import { logout, logoutAll } from "./session/logout.ts";
import { refreshSession } from "./session/refresh-session.ts";
import { inspectRefreshToken } from "./session/refresh-token.ts";
import { revokeAll, revokeForUser } from "./session/revoke-all.ts";
import { revokeOwn, revokeSession } from "./session/revoke-session.ts";
import { createSessionLifetimes } from "./session/session-lifetimes.ts";
import { countAllLiveSessions, countLiveSessions, IS_LIVE, readEpoch } from "./session/sessions.repo.ts";
import { createCachedOwners } from "./session/token-owners.ts";
import { sessionsContract } from "./sessions.contract.ts";
import { sessionsEntities } from "./sessions.entities.ts";
import { sweep } from "./sweep.ts";

/** Leases have connections of their own, so that a busy pool can't delay a renewal beyond the 3 s of a lease. */
const LEASE_CONNECTIONS = 2;
/** A refresh token is derived with the key of its session's row. */
const KEY_USAGE = countByKey({ table: "sessions.sessions", kid: "kid", where: IS_LIVE });

/** Sessions, their refresh tokens, and the revocation log, through which every node learns what is no longer valid. */
export default function sessionsService(platform: Platform): ServiceSchema {
  const db = createDatabase(platform, { schema: "sessions", entities: sessionsEntities });
  const leaseDb = createDatabase(platform, { schema: "sessions", poolSize: LEASE_CONNECTIONS });
  const outbox = createOutbox(platform, db, "sessions");
  const lifetimesOf = createSessionLifetimes(platform);
  const deps = { platform, db, leaseDb, outbox, lifetimesOf, cachedOwner: createCachedOwners(platform, db) };
  const countOfAll = createCount(platform.clock, (max) => countAllLiveSessions(db, max));
  reportKeyUsage(platform.metrics, { ...platform, db }, "sessions", KEY_USAGE);

  return {
    name: "sessions",
    mixins: [database(db), database(leaseDb), outboxRelay(outbox), eventConsumer(platform, accountEvents(deps))],
    actions: implement(sessionsContract, {
      epoch: async ({ params }) => ({ epoch: await readEpoch(db, params.user_id) }),
      create: (ctx) => createSession(deps, ctx),
      refresh: (ctx) => refreshSession(deps, ctx),
      inspect: (ctx) => inspectRefreshToken(deps, ctx),
      logout: (ctx) => logout(deps, ctx),
      logoutAll: (ctx) => logoutAll(deps, ctx),
      listOwn: (ctx) => listOwn(deps, ctx),
      revokeOwn: (ctx) => revokeOwn(deps, ctx),
      revoke: async (ctx) => {
        const { id, user_id: userId, reason } = ctx.params;
        await revokeSession(deps, ctx, { id, userId }, reason);
        return {};
      },
      listForUser: (ctx) => listForUser(deps, ctx),
      revokeForUser: (ctx) => revokeForUser(deps, ctx),
      stats: async () => {
        const { size, countedAt } = await countOfAll();
        return { active: size, counted_at: countedAt.toISOString() };
      },
      get: (ctx) => getSession(deps, ctx),
      count: async ({ params }) => ({ active: await countLiveSessions(db, params.user_id) }),
      revokeAll: ({ params, call, correlationId }) =>
        revokeAll(deps, call, {
          userId: params.user_id,
          eventId: params.event_id,
          except: params.except,
          reason: "account_changed",
          correlationId,
        }),
      bumpTokenVersion: ({ params, call }) =>
        bumpTokenVersion(deps, call, { kind: params.kind, id: params.id, eventId: params.event_id }),
      invalidateCache: ({ params, call }) => invalidateCache(deps, call, params),
      renewLease: ({ params }) => renewLease(leaseDb, params),
      releaseLease: async ({ params }) => {
        await deleteLease(leaseDb, params.gateway_id);
        return {};
      },
      erase: ({ params, call, correlationId }) =>
        eraseSessions(deps, call, { userId: params.user_id, eventId: params.erasure_id, correlationId }),
      export: ({ caller, params }) => exportPage(exportSections(db), requireUser(caller).user_id, params.cursor),
      ...outboxOperations(db, outbox),
      keyUsage: () => readKeyUsage({ db, ring: platform.ring }, "sessions", KEY_USAGE),
      sweep: () => sweep(deps),
    }),
  };
}
