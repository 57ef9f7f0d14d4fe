import { servicesWith } from "../../../lib/actions/typed-call.ts";
import { generatePassword } from "../../run/seed-admin.ts";
import { chooseTenants, resolveUser, shortTime } from "../accounts.ts";
import type { CommandDefinition, CommandGroup } from "../define-command.ts";

const LIMIT = 20;

/** Commands about the installation that belong to no group. */
export const installation: readonly CommandDefinition[] = [
  {
    usage: "roles",
    summary: "roles of a tenant and what they permit",
    options: [["--tenant <slug>", "another one than the default tenant"]],
    async run(operator, _args, { tenant = "default" }) {
      const [chosen] = await chooseTenants(operator, tenant);
      const data = await operator.call("users.roles", {}, chosen?.id);
      const rows = data.map(({ name, system, permissions }) => ({
        role: name,
        system,
        permissions: permissions.join(" "),
      }));
      return { rows, none: "The tenant has no roles.", data };
    },
  },
  {
    usage: "tenants",
    summary: "all tenants",
    options: [["--page <n>", "of 100 tenants each, from 1"]],
    async run({ call }, _args, { page = "1" }) {
      const data = await call("users.tenants", { page: Number(page), limit: 100 });
      const rows = data.items.map(({ id, slug, name, created_at }) => ({
        slug,
        name,
        created: shortTime(created_at),
        id,
      }));
      return { rows, none: "There are no more tenants.", whole: ["id"], data: data.items };
    },
  },
  {
    usage: "outbox",
    summary: "events and jobs that each service has not published yet",
    async run({ call }) {
      const data = await Promise.all(
        servicesWith("outbox").map(async (service) => ({
          service,
          ...(await call(`${service as "users"}.outbox`, {}).catch(() => ({ pending: null, oldest_seconds: null }))),
        })),
      );
      const rows = data.map(({ service, pending, oldest_seconds }) => ({
        service,
        pending: pending ?? "unavailable",
        "oldest (s)": oldest_seconds && Math.round(oldest_seconds),
      }));
      return { rows, none: "No service has an outbox.", data };
    },
  },
  {
    usage: "erasures",
    summary: "accounts that are waiting for their erasure",
    options: [["--limit <n>", `up to 100 (default: ${LIMIT})`]],
    async run({ call }, _args, { limit = String(LIMIT) }) {
      const data = await call("users.erasures", { limit: Number(limit) });
      const rows = data.map(({ user_id, state, erase_at, receipts }) => ({
        user: user_id,
        state,
        due: shortTime(erase_at),
        "erased by": Object.keys(receipts).join(" "),
      }));
      return { rows, none: "No account is waiting for its erasure.", whole: ["user"], data };
    },
  },
  {
    usage: "activity",
    summary: "the activity log of a tenant or of an account, the newest first",
    options: [
      ["--tenant <slug>", "another one than the default tenant"],
      ["--user <who>", "only entries about this account"],
      ["--action <name>", "only this action, such as user.deactivated"],
      ["--limit <n>", `up to 100 (default: ${LIMIT})`],
    ],
    async run(operator, _args, options) {
      const { tenant, user: who, action } = options;
      const query = { limit: Number(options.limit ?? LIMIT), ...(typeof action === "string" && { action }) };
      const user = typeof who === "string" ? await resolveUser(operator, who, tenant) : undefined;
      const [chosen] = user ? [{ id: user.tenant_id }] : await chooseTenants(operator, tenant ?? "default");
      const { items: data } = user
        ? await operator.call("admin.userActivity", { ...query, user_id: user.id }, user.tenant_id)
        : await operator.call("admin.activity", query, chosen?.id);
      const rows = data.map((entry) => ({
        at: entry.at.slice(5, 19).replace("T", " "),
        action: entry.action,
        by: entry.actor ?? (user ? entry.actor_id : endOf(entry.actor_id)),
        ...(!user && { about: endOf(entry.user_id) }),
      }));
      return { rows, none: "The log has no such entry.", whole: user ? ["by"] : [], data };
    },
  },
];

/** Two whole ids do not fit into 80 columns, and those of one hour begin alike. `--json` has them whole. */
function endOf(id: string | null): string {
  return id === null ? "" : `…${id.slice(-12)}`;
}

export const admin: CommandGroup = {
  name: "admin",
  summary: "create administrators, and help those who can't sign in",
  commands: [
    {
      usage: "create <email>",
      summary: "create an administrator of the default tenant",
      options: [["--password <password>", "otherwise one is generated and shown once"]],
      async run({ call }, [email = ""], { password: given }) {
        const password = typeof given === "string" ? given : generatePassword();
        const { created } = await call("auth.seedAdmin", { email, password });
        if (!created)
          throw new Error(`An account ${email} exists. \`admin reset-password\` gives it another password.`);
        return { message: `Created ${email}${shown(given, password)}`, data: { email, ...secret(given, password) } };
      },
    },
    {
      usage: "reset-password <who>",
      summary: "set another password and revoke all sessions",
      options: [
        ["--password <password>", "otherwise one is generated and shown once"],
        ["--tenant <slug>", "the account's tenant, if several have one of this name"],
      ],
      async run(operator, [who = ""], { password: given, tenant }) {
        const user = await resolveUser(operator, who, tenant);
        const password = typeof given === "string" ? given : generatePassword();
        await operator.call("auth.setPassword", { user_id: user.id, password }, user.tenant_id);
        const message = `${user.email} has a new password, and all sessions are revoked${shown(given, password)}`;
        return { message, data: { id: user.id, email: user.email, ...secret(given, password) } };
      },
    },
  ],
};

function shown(given: unknown, password: string): string {
  return given === undefined ? `.\nPassword: ${password} (shown only once)` : ".";
}

function secret(given: unknown, password: string): { readonly password?: string } {
  return given === undefined ? { password } : {};
}
