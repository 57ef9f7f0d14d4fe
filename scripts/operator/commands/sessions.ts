import { counted } from "../../run/terminal.ts";
import { resolveUser, shortTime } from "../accounts.ts";
import type { CommandGroup } from "../define-command.ts";

const inTenant = ["--tenant <slug>", "the account's tenant, if several have one of this name"] as const;

export const sessions: CommandGroup = {
  name: "sessions",
  summary: "see and revoke the sessions of an account",
  commands: [
    {
      usage: "list <who>",
      summary: "live sessions of an account, by id, email or username",
      options: [inTenant],
      async run(operator, [who = ""], { tenant }) {
        const user = await resolveUser(operator, who, tenant);
        const data = await operator.call("sessions.listForUser", { user_id: user.id }, user.tenant_id);
        const rows = data.map(({ id, device, ip, last_used_at }) => ({
          device: device.name ?? [device.browser, device.os].filter(Boolean).join(", "),
          ip,
          "last used": shortTime(last_used_at),
          id,
        }));
        return { rows, none: `${user.email} has no live session.`, data };
      },
    },
    {
      usage: "revoke <who>",
      summary: "sign an account out everywhere",
      options: [inTenant],
      async run(operator, [who = ""], { tenant }) {
        const user = await resolveUser(operator, who, tenant);
        const data = await operator.call("sessions.revokeForUser", { user_id: user.id }, user.tenant_id);
        return { message: `${counted(data.revoked, "session")} of ${user.email} revoked.`, data };
      },
    },
  ],
};
