import { servicesWith } from "../../../lib/actions/typed-call.ts";
import { counted } from "../../run/terminal.ts";
import { shortTime } from "../accounts.ts";
import type { CommandGroup, Output } from "../define-command.ts";
import type { Operator } from "../operator.ts";
import { formatRows } from "../table.ts";

export const keys: CommandGroup = {
  name: "keys",
  summary: "keys that sign access tokens, and the key ring",
  commands: [
    { usage: "list", summary: "signing keys, and how many values each key of SECRET_KEY protects", run: list },
    {
      usage: "rotate",
      summary: "replace the signing key now; nobody is signed out",
      async run({ call }) {
        const data = await call("auth.rotateSigningKey", {});
        return { message: `Key ${data.kid} signs from ${shortTime(data.sign_from)} UTC on.`, data };
      },
    },
  ],
};

/** Rows under a key other than the active one are what its rotation still has to move. */
async function list({ call, columns }: Operator): Promise<Output> {
  const [signing, usages] = await Promise.all([
    call("auth.signingKeys", {}),
    Promise.all(servicesWith("keyUsage").map((service) => call(`${service as "auth"}.keyUsage`, {}))),
  ]);
  const usage = usages.flatMap((one) => one.usage);
  const { active = "", known = [] } = usages[0] ?? {};
  const signingRows = signing.map((key) => ({
    "signing key": key.kid,
    state: key.state,
    "signs until": shortTime(key.sign_until),
  }));
  const ringRows = usage.map(({ kid, what, rows }) => ({
    key: kid,
    protects: what,
    rows,
    state: stateOf(kid, active, known),
  }));
  const left = usage.filter(({ kid }) => kid !== active).reduce((total, { rows }) => total + rows, 0);
  const message = [
    formatRows(signingRows, columns, ["signing key"]),
    ...(ringRows.length > 0 ? ["", formatRows(ringRows, columns)] : []),
    "",
    left === 0
      ? `Everything is under ${active}, the active key of SECRET_KEY.`
      : `${counted(left, "row")} still to be moved to ${active}, the active key of SECRET_KEY. Keep the other keys until there are none.`,
  ].join("\n");
  return { message, data: { signing, key_ring: { active, known, usage } } };
}

function stateOf(kid: string, active: string, known: readonly string[]): string {
  if (kid === active) return "active";
  return known.includes(kid) ? "to be moved" : "MISSING in SECRET_KEY";
}
