import type { ServiceSchema } from "moleculer";
import { requireUser } from "../../lib/actions/caller.ts";
import { type ActionContext, implement } from "../../lib/actions/typed-call.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";
import { createDatabase, database } from "../../mixins/database/database.mixin.ts";
import { eventConsumer } from "../../mixins/event-consumer.mixin.ts";
import { countByKey, knownKeys, readKeyUsage } from "../../mixins/key-usage.ts";
import { createOutbox, outboxRelay } from "../../mixins/outbox/outbox.mixin.ts";
import { outboxOperations } from "../../mixins/outbox/outbox-operations.ts";
import { eraseUser } from "../../mixins/personal-data/erasure.ts";
import { exportPage } from "../../mixins/personal-data/export-pages.ts";
import { authContract } from "./auth.contract.ts";
import { authEntities } from "./auth.entities.ts";
import { reportAuthMetrics } from "./auth-metrics.ts";
import type { AuthDeps } from "./dependencies.ts";
import { onConfirmedByAdmin, revokeConfirmedByAdmin } from "./earlier-access/confirmed-by-admin.ts";
import { listIdentitiesOf } from "./oauth/identities.repo.ts";
import { countIdentities, listIdentities, unlinkIdentity } from "./oauth/linked-identities.ts";
import { exchangeCode } from "./oauth/oauth-exchange.ts";
import { startLink } from "./oauth/oauth-link.ts";
import { callbackUrl, createOAuthProviders } from "./oauth/oauth-providers.ts";
import { finishOAuth, startOAuth } from "./oauth/oauth-sign-in.ts";
import { readPendingPicture, requestPicture, settlePicture } from "./oauth/pictures.ts";
import { mailEmailChangeLink, mailVerificationLink } from "./one-time-tokens/mail-links.ts";
import { deriveMailToken, markMailSent } from "./one-time-tokens/mailed-token.ts";
import { requestVerification } from "./one-time-tokens/request-verification.ts";
import { createBreachedPasswords } from "./password/breached-passwords.ts";
import { changePassword } from "./password/change-password.ts";
import { createFailureTime } from "./password/failure-time.ts";
import { createHashAdmission, type HashPurpose } from "./password/hash-admission.ts";
import { createHashUpgrade } from "./password/hash-upgrade.ts";
import { createConfiguredPasswordHashing } from "./password/password-hashing.ts";
import { loadCommonPasswords } from "./password/password-policy.ts";
import { requestReset } from "./password/request-reset.ts";
import { confirmReset } from "./password/reset-password.ts";
import { sendLink } from "./password/send-link.ts";
import { setPassword } from "./password/set-password.ts";
import { verifyPassword } from "./password/verify-password.ts";
import { login } from "./sign-in/login.ts";
import { me } from "./sign-in/me.ts";
import { createRefresh } from "./sign-in/refresh.ts";
import { register } from "./sign-in/register.ts";
import { restoreAccount } from "./sign-in/restore-account.ts";
import { createSecurityEvents } from "./sign-in/security-events.ts";
import { seedAdmin } from "./sign-in/seed-admin.ts";
import { verifyEmail } from "./sign-in/verify-email.ts";
import { rotateKeys } from "./signing/key-rotation.ts";
import { rotateSigningKey, viewSigningKeys } from "./signing/rotate-signing-key.ts";
import { createSigningKeys } from "./signing/signing-keys.ts";
import { sweep } from "./sweep.ts";
import { importCredentials } from "./transfer/import-credentials.ts";
import { importIdentities } from "./transfer/import-identities.ts";
import { deleteUserRows, exportSections } from "./transfer/personal-data.repo.ts";

const IDENTITY_COUNTS_TTL_MS = 60_000;
const SEALED_PASSWORDS = { table: "auth.credentials", kid: "kid", where: "true" };
const KEY_USAGE = countByKey(SEALED_PASSWORDS);

/** Registration, sign-in, password recovery, and the keys that sign access tokens. */
export default function authService(platform: Platform): ServiceSchema {
  const deps = createDeps(platform);
  const hashing = <T>(purpose: HashPurpose, ctx: ActionContext, useCase: (withHashes: AuthDeps) => Promise<T>) =>
    deps.hashAdmission.reserve(purpose, ctx, (passwords) => useCase({ ...deps, passwords }));
  reportAuthMetrics(platform, deps, KEY_USAGE);
  const identityCounts = createTtlCache<Record<string, number>>(platform.clock, { ttlMs: IDENTITY_COUNTS_TTL_MS });
  const erase = (userId: string) => eraseUser(deps.db, userId, (tx) => deleteUserRows(tx, userId));
  return {
    name: authContract.name,
    mixins: [
      database(deps.db),
      knownKeys(deps, "passwords", SEALED_PASSWORDS),
      outboxRelay(deps.outbox),
      eventConsumer(platform, {
        service: authContract.name,
        stream: "USERS",
        handlers: {
          "user.created": async (event, call) => {
            await requestPicture(deps, event);
            await mailVerificationLink(deps, event, call);
          },
          "user.updated": async (event, call) => {
            await onConfirmedByAdmin(deps, event, call);
            await mailEmailChangeLink(deps, event, call);
          },
          "user.erased": async (event) => void (await erase(event.user_id)),
        },
      }),
    ],
    async stopped() {
      await Promise.all([deps.hashUpgrade.stop(), deps.securityEvents.flush()]);
    },
    actions: implement(authContract, {
      register: (ctx) => hashing("sign_up", ctx, (withHashes) => register(withHashes, ctx)),
      login: (ctx) => hashing("sign_in", ctx, (withHashes) => login(withHashes, ctx)),
      restoreAccount: (ctx) => hashing("sign_in", ctx, (withHashes) => restoreAccount(withHashes, ctx)),
      refresh: createRefresh(deps),
      me: (ctx) => me(ctx),
      changePassword: (ctx) => hashing("change_password", ctx, (withHashes) => changePassword(withHashes, ctx)),
      verifyPassword: (ctx) =>
        hashing("change_password", ctx, async (withHashes) => {
          const { ok } = await verifyPassword(withHashes, ctx, ctx.params, ctx.params.password);
          return { ok };
        }),
      requestReset: (ctx) => requestReset(deps, ctx),
      confirmReset: (ctx) => hashing("change_password", ctx, (withHashes) => confirmReset(withHashes, ctx)),
      requestVerification: (ctx) => requestVerification(deps, ctx),
      sendLink: (ctx) => sendLink(deps, ctx),
      verifyEmail: (ctx) =>
        verifyEmail({ ...deps, passwords: deps.hashAdmission.passwordsFor("change_password", ctx) }, ctx),
      revokeConfirmedByAdmin: (ctx) => revokeConfirmedByAdmin(deps, ctx, ctx.params),
      oauthStart: (ctx) => startOAuth(deps, ctx),
      oauthCallback: (ctx) => finishOAuth(deps, ctx),
      oauthFormPost: async ({ params: { provider, ...query } }) => ({
        location: callbackUrl(deps.oauth.find(provider), query).href,
      }),
      oauthExchange: (ctx) => exchangeCode(deps, ctx),
      identities: (ctx) => listIdentities(deps, ctx),
      linkIdentity: (ctx) => startLink(deps, ctx),
      unlinkIdentity: (ctx) => unlinkIdentity(deps, ctx),
      pendingPicture: (ctx) => readPendingPicture(deps, ctx),
      settlePicture: (ctx) => settlePicture(deps, ctx),
      identityCounts: () => identityCounts.read("all", () => countIdentities(deps)),
      seedAdmin: (ctx) => seedAdmin(deps, ctx),
      deriveMailToken: (ctx) => deriveMailToken(deps, ctx),
      markMailSent: (ctx) => markMailSent(deps, ctx),
      importCredentials: (ctx) => importCredentials(deps, ctx),
      importIdentities: (ctx) => importIdentities(deps, ctx),
      exportIdentities: async ({ params }) => ({ accounts: await listIdentitiesOf(deps.db, params.user_ids) }),
      keys: async () => ({ keys: await deps.signingKeys.published() }),
      erase: ({ params }) => erase(params.user_id),
      export: ({ caller, params }) => exportPage(exportSections(deps.db), requireUser(caller).user_id, params.cursor),
      ...outboxOperations(deps.db, deps.outbox),
      keyUsage: () => readKeyUsage(deps, "passwords", KEY_USAGE),
      rotateKeys: () => rotateKeys(deps),
      signingKeys: () => viewSigningKeys(deps),
      rotateSigningKey: (ctx) => rotateSigningKey(deps, ctx),
      setPassword: (ctx) => setPassword(deps, ctx),
      sweep: (ctx) => sweep(deps, ctx),
    }),
  };
}

function createDeps(platform: Platform): AuthDeps {
  const { config, clock, random, timers, ring, log } = platform;
  const db = createDatabase(platform, { schema: authContract.name, entities: authEntities });
  const shared = { config, clock, random, timers, ring, log, db };
  const passwords = createConfiguredPasswordHashing(platform);
  return {
    ...shared,
    outbox: createOutbox(platform, db, authContract.name),
    passwords,
    hashUpgrade: createHashUpgrade({ ...shared, passwords }),
    failureTime: createFailureTime({ ...shared, passwords }),
    hashAdmission: createHashAdmission(platform),
    commonPasswords: loadCommonPasswords(),
    breachedPasswords: createBreachedPasswords(platform),
    signingKeys: createSigningKeys(shared),
    oauth: createOAuthProviders(platform),
    securityEvents: createSecurityEvents(platform),
  };
}
