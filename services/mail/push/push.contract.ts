import * as z from "zod";
import { action, byService, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";

/** Contains ids only, never a text or a token. */
export const PushJob = z.strictObject({ id: field.Id, correlation_id: z.string() });
export type PushJob = z.infer<typeof PushJob>;

const MAX_DATA_ENTRIES = 20;

export const pushActions = {
  /**
   * Requests a push notification to a user's device. The caller chooses the id and retries with it until the call
   * succeeds; a call with an id that exists already does nothing. 404 for an unknown user, 503 `push_unavailable` if
   * PUSH_URL is not set.
   */
  push: action({
    params: z.strictObject({
      id: field.Id,
      user_id: field.Id,
      title: field.Text[255],
      body: field.Text[2000],
      /** Passed to the app unchanged. */
      data: z
        .record(field.Text[100], field.Text[2000])
        .refine((data) => Object.keys(data).length <= MAX_DATA_ENTRIES, {
          error: `must have at most ${MAX_DATA_ENTRIES} entries`,
        })
        .optional(),
    }),
    result: z.strictObject({ id: field.Id }),
    access: byServiceOrOperator("push:send"),
  }),
  /**
   * Forwards one push to the push service, once. `skipped` if the user has no active account, has disabled pushes or
   * has no valid push token. 503 `push_unavailable` if the push service can't be reached, 422 `push_refused` if it
   * rejects the push permanently.
   */
  sendPush: action({
    params: z.strictObject({ id: field.Id }),
    result: z.strictObject({ outcome: z.enum(["sent", "already_sent", "skipped"]) }),
    access: byService("mail:send"),
    timeout: 30_000,
  }),
};
