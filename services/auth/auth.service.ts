import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";
import { createDatabase, database } from "../../mixins/database.mixin.ts";
import { eraseUser } from "../../mixins/erasure.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { exportPage } from "../../mixins/export-pages.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox.mixin.ts";
import { authContract } from "./auth.contract.ts";
import { authEntities } from "./auth.entities.ts";
import type { AuthDeps } from "./dependencies.ts";
import { countIdentities, listIdentities, unlinkIdentity } from "./oauth/linked-identities.ts";
import { exchangeCode } from "./oauth/oauth-exchange.ts";
import { startLink } from "./oauth/oauth-link.ts";
import { createOAuthProviders } from "./oauth/oauth-providers.ts";
import { finishOAuth, startOAuth } from "./oauth/oauth-sign-in.ts";
import { mailEmailChangeLink, mailVerificationLink } from "./one-time-tokens/mail-links.ts";
import { deriveMailToken, markMailSent } from "./one-time-tokens/mailed-token.ts";
import { requestVerification } from "./one-time-tokens/request-verification.ts";
import { verifyEmail } from "./one-time-tokens/verify-email.ts";
import { createBreachedPasswords } from "./password/breached-passwords.ts";
import { changePassword } from "./password/change-password.ts";
import { createConfiguredPasswordHashing } from "./password/password-hashing.ts";
import { loadCommonPasswords } from "./password/password-policy.ts";
import { requestReset } from "./password/request-reset.ts";
import { confirmReset } from "./password/reset-password.ts";
import { verifyPassword } from "./password/verify-password.ts";
import { login } from "./sign-in/login.ts";
import { me } from "./sign-in/me.ts";
import { refresh } from "./sign-in/refresh.ts";
import { register } from "./sign-in/register.ts";
import { seedAdmin } from "./sign-in/seed-admin.ts";
import { rotateKeys } from "./signing/key-rotation.ts";
import { createSigningKeys } from "./signing/signing-keys.ts";
import { sweep } from "./sweep.ts";
import { importCredentials } from "./transfer/import-credentials.ts";
import { deleteUserRows, exportSections } from "./transfer/personal-data.repo.ts";

const IDENTITY_COUNTS_TTL_MS = 60_000;

/** Registration, sign-in, password recovery, and the keys that sign access tokens. */
export default function authService(platform: Platform): ServiceSchema {
  const deps = createDeps(platform);
  const identityCounts = createTtlCache<Record<string, number>>(platform.clock, { ttlMs: IDENTITY_COUNTS_TTL_MS });
  const erase = (userId: string) => eraseUser(deps.db, userId, (tx) => deleteUserRows(tx, userId));
  return {
    name: authContract.name,
    mixins: [
      database(deps.db),
      outboxRelay(deps.outbox),
      eventConsumer(platform, {
        service: authContract.name,
        stream: "USERS",
        handlers: {
          "user.created": (event, call) => mailVerificationLink(deps, event, call),
          "user.updated": (event, call) => mailEmailChangeLink(deps, event, call),
          "user.erased": async (event) => void (await erase(event.user_id)),
        },
      }),
    ],
    actions: implement(authContract, {
      register: (ctx) => register(deps, ctx),
      login: (ctx) => login(deps, ctx),
      refresh: (ctx) => refresh(deps, ctx),
      me: (ctx) => me(ctx),
      changePassword: (ctx) => changePassword(deps, ctx),
      verifyPassword: async (ctx) => {
        const { ok } = await verifyPassword(deps, ctx, ctx.params, ctx.params.password);
        return { ok };
      },
      requestReset: (ctx) => requestReset(deps, ctx),
      confirmReset: (ctx) => confirmReset(deps, ctx),
      requestVerification: (ctx) => requestVerification(deps, ctx),
      verifyEmail: (ctx) => verifyEmail(deps, ctx),
      oauthStart: (ctx) => startOAuth(deps, ctx),
      oauthCallback: (ctx) => finishOAuth(deps, ctx),
      oauthExchange: (ctx) => exchangeCode(deps, ctx),
      identities: (ctx) => listIdentities(deps, ctx),
      linkIdentity: (ctx) => startLink(deps, ctx),
      unlinkIdentity: (ctx) => unlinkIdentity(deps, ctx),
      identityCounts: () => identityCounts.read("all", () => countIdentities(deps)),
      seedAdmin: (ctx) => seedAdmin(deps, ctx),
      deriveMailToken: (ctx) => deriveMailToken(deps, ctx),
      markMailSent: (ctx) => markMailSent(deps, ctx),
      importCredentials: (ctx) => importCredentials(deps, ctx),
      keys: async () => ({ keys: await deps.signingKeys.published() }),
      erase: ({ params }) => erase(params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(deps.db), requireUser(caller).user_id, params.cursor),
      rotateKeys: () => rotateKeys(deps),
      sweep: (ctx) => sweep(deps, ctx),
    }),
  };
}

function createDeps(platform: Platform): AuthDeps {
  const { config, clock, random, timers, ring, log } = platform;
  const db = createDatabase(platform, { schema: authContract.name, entities: authEntities });
  const shared = { config, clock, random, timers, ring, log, db };
  return {
    ...shared,
    outbox: createOutbox(platform, db, authContract.name),
    passwords: createConfiguredPasswordHashing(platform),
    commonPasswords: loadCommonPasswords(),
    breachedPasswords: createBreachedPasswords(platform),
    signingKeys: createSigningKeys(shared),
    oauth: createOAuthProviders(platform),
  };
}
