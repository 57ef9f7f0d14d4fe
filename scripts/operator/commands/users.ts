import { chooseTenants, resolveUser, searchUsers, shortTime, statusOf, type User } from "../accounts.ts";
import type { CommandDefinition, CommandGroup, Options, Output } from "../define-command.ts";
import type { Operator } from "../operator.ts";

const inTenant = ["--tenant <slug>", "the account's tenant, if several have one of this name"] as const;
const LIMIT = 20;

/** `who` is an id, an email address or a username. */
function change(
  usage: string,
  summary: string,
  options: NonNullable<CommandDefinition["options"]>,
  act: (
    operator: Operator,
    user: User,
    options: Options,
  ) => Promise<{ readonly message: string; readonly data: unknown }>,
): CommandDefinition {
  return {
    usage: `${usage} <who>`,
    summary,
    options: [...options, inTenant],
    run: async (operator, [who = ""], given) => act(operator, await resolveUser(operator, who, given.tenant), given),
  };
}

async function setActive({ call }: Operator, { id, tenant_id, email }: User, is_active: boolean, reason?: unknown) {
  const params = { id, is_active, ...(typeof reason === "string" && { reason }) };
  const data = await call("users.setStatus", params, tenant_id);
  return { message: `${email} is ${is_active ? "active" : "disabled, and all sessions are revoked"}.`, data };
}

export const users: CommandGroup = {
  name: "users",
  summary: "find and change accounts",
  commands: [
    {
      usage: "find [text]",
      summary: "accounts with these words in email, username or name; the newest without text",
      options: [
        ["--tenant <slug>", "only this tenant"],
        ["--status <status>", "active, inactive, verified, unverified or deleted"],
        ["--role <name>", "only accounts with this role"],
        ["--limit <n>", `at most this many of each tenant, up to 100 (default: ${LIMIT})`],
      ],
      run: find,
    },
    {
      usage: "show <who>",
      summary: "one account, by id, email or username",
      options: [inTenant],
      run: async (operator, [who = ""], { tenant }) => show(operator, await resolveUser(operator, who, tenant)),
    },
    change(
      "disable",
      "disable an account and revoke its sessions",
      [["--reason <text>", "kept in the activity log and mailed"]],
      (operator, user, { reason }) => setActive(operator, user, false, reason),
    ),
    change("enable", "enable a disabled account", [], (operator, user) => {
      if (user.deleted_at) throw new Error(`${user.email} is deleted. \`users restore\` undoes that.`);
      return setActive(operator, user, true);
    }),
    change("verify", "mark the email address as verified", [], async ({ call }, { id, tenant_id, email }) => ({
      data: await call("users.adminUpdate", { id, is_verified: true }, tenant_id),
      message: `${email} is verified.`,
    })),
    change(
      "delete",
      "delete an account; it is erased after the grace period, or kept if that is `never`",
      [["--erase", "erase it without the grace period"]],
      async ({ call }, { id, tenant_id, email }, { erase }) => {
        const data = await call("users.adminDelete", { id, ...(erase === true && { erase }) }, tenant_id);
        const next =
          data.erase_at === null ? "its data is kept" : `will be erased after ${shortTime(data.erase_at)} UTC`;
        return { data, message: `${email} is deleted, and ${next}.` };
      },
    ),
    change("restore", "restore a deleted account before its erasure", [], (operator, user) => {
      if (!user.deleted_at) throw new Error(`${user.email} is not deleted. \`users enable\` enables an account.`);
      return setActive(operator, user, true);
    }),
  ],
};

async function find(operator: Operator, [search = ""]: readonly string[], options: Options): Promise<Output> {
  const tenants = await chooseTenants(operator, options.tenant);
  const { status, role } = options;
  const data = await searchUsers(operator, tenants, {
    page: 1,
    limit: Number(options.limit ?? LIMIT),
    sort: "-created_at",
    search,
    ...(status !== undefined && { status: status as "active" }),
    ...(typeof role === "string" && { role }),
  });
  const slugs = new Map(tenants.map((tenant) => [tenant.id, tenant.slug]));
  const rows = data.map((user) => ({
    email: user.email,
    ...(tenants.length > 1 && { tenant: slugs.get(user.tenant_id) ?? "" }),
    status: statusOf(user),
    id: user.id,
  }));
  return { rows, none: "No account matches.", whole: ["id"], data };
}

async function show({ call }: Operator, user: User): Promise<Output> {
  const [sessions, { settings: _, ...tenant }] = await Promise.all([
    call("sessions.listForUser", { user_id: user.id }, user.tenant_id).catch(() => null),
    call("users.tenant", { id: user.tenant_id }),
  ]);
  const { subscription, ...data } = user;
  const record = {
    id: user.id,
    email: user.email,
    "new email": user.pending_email,
    username: user.username,
    name: user.full_name,
    tenant: tenant.slug,
    status: statusOf(user),
    verified: user.is_verified,
    roles: user.roles.join(", "),
    tier: subscription.tier,
    sessions: sessions?.length ?? "unknown",
    created: user.created_at,
    "last sign-in": user.last_login_at,
    deleted: user.deleted_at,
  };
  return { record, data: { ...data, subscription, tenant_slug: tenant.slug, sessions: sessions?.length ?? null } };
}
