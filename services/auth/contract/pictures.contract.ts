import * as z from "zod";
import { action, byService } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";

/** Contains ids only: the URL is personal data, so it is kept where it is erased with the account. */
export const PictureJob = z.strictObject({ user_id: field.Id, correlation_id: z.string() });
export type PictureJob = z.infer<typeof PictureJob>;

/** Part of the contract of auth. */
export const pictureActions = {
  /** URL of a new account's picture at its sign-in provider. Null if there is none, or if it was stored or given up. */
  pendingPicture: action({
    params: z.strictObject({ user_id: field.Id }),
    result: z.strictObject({ url: z.string().nullable() }),
    access: byService("auth:pictures"),
    idempotent: true,
  }),
  /** The picture has been stored or given up: its URL is deleted. */
  settlePicture: action({
    params: z.strictObject({ user_id: field.Id }),
    result: field.Empty,
    access: byService("auth:pictures"),
  }),
};
