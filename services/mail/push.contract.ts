import * as z from "zod";
import { action, byService, byServiceOrOperator } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";

/** What a push job holds: ids only, never a text or a token. */
export const PushJob = z.strictObject({ id: field.Id, correlation_id: z.string() });
export type PushJob = z.infer<typeof PushJob>;

const MAX_DATA = 20;

export const pushActions = {
  /**
   * Asks for a push to a user's device. The caller chooses the id, and repeats the call until it is answered: one of an id
   * that is there already does nothing. 404 for an unknown user, 503 `push_unavailable` where PUSH_URL is not set.
   */
  push: action({
    params: z.strictObject({
      id: field.Id,
      user_id: field.Id,
      title: field.Text[255],
      body: field.Text[2000],
      /** For the app: handed on as it is. */
      data: z
        .record(field.Text[100], field.Text[2000])
        .refine((data) => Object.keys(data).length <= MAX_DATA, { error: `must have at most ${MAX_DATA} entries` })
        .optional(),
    }),
    result: z.strictObject({ id: field.Id }),
    access: byServiceOrOperator("push:send"),
  }),
  /**
   * Hands one push on, once: `skipped` where its user does not want it or can't get it. 503 `push_unavailable` while the
   * push service can't be reached or asks for patience; 422 `push_refused` where it refuses this one for good.
   */
  sendPush: action({
    params: z.strictObject({ id: field.Id }),
    result: z.strictObject({ outcome: z.enum(["sent", "already_sent", "skipped"]) }),
    access: byService("mail:send"),
    timeout: 30_000,
  }),
};
