import type { ActionContext } from "../../../lib/actions/typed-call.ts";

/** Who did it and from where, as an event tells it to the activity log. */
export interface Actor {
  readonly actor_id: string;
  readonly ip?: string;
}

/** The signed-in user, else whoever holds the account's token. */
export function actorOf({ caller, client }: Pick<ActionContext, "caller" | "client">, owner: string): Actor {
  const actor_id = caller.kind === "user" ? caller.user_id : owner;
  return { actor_id, ...(client.ip !== "" && { ip: client.ip }) };
}
