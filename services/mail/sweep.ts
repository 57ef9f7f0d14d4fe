import { deleteInBatches, sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { MailDeps } from "./mail.deps.ts";

/** A row guards against sending twice for longer than any job or event may come again. */
export async function sweep({ db }: Pick<MailDeps, "db">): Promise<Record<string, number>> {
  return {
    messages: await deleteInBatches(db, "mail.messages", "created_at < now() - interval '35 days'"),
    pushes: await deleteInBatches(db, "mail.pushes", "created_at < now() - interval '35 days'"),
    ...(await sweepServiceTables(db)),
  };
}
