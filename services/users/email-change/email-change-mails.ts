import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { readEmailChange, recordMail } from "./email-changes.repo.ts";

type Change = Actions["users.emailChange"]["result"];

/** For auth and mail, when they make the link, send it, or write to the old address. */
export async function getEmailChange({ db }: Pick<UsersDeps, "db">, tokenId: string): Promise<Change> {
  return (await readEmailChange(db, tokenId)) ?? null;
}

/** The old address is kept until all mails about the change went out. */
export async function recordEmailChangeMail(
  { db }: Pick<UsersDeps, "db">,
  { params }: ActionContext<Actions["users.recordEmailChangeMail"]["params"]>,
): Promise<Record<string, never>> {
  await recordMail(db, params.token_id, params.kind);
  return {};
}
