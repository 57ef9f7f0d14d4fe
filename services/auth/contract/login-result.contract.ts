import * as z from "zod";
import * as field from "../../../lib/actions/schemas.ts";
import { User } from "../../users/contract/users-shapes.contract.ts";

/** Clients must check for the status `signed_in`: a second factor would add others. */
export const LoginResult = z
  .strictObject({
    status: z.literal("signed_in"),
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal("Bearer"),
    /** Seconds to wait before a retry, from `Retry-After`. */
    expires_in: z.int(),
    refresh_expires_in: z.int(),
    session_id: field.Id,
    /** Proves at later sign-ins that this device has signed in before, so that failed attempts of others don't delay it. */
    device_token: z.string(),
    user: User,
  })
  .meta({ id: "LoginResult" });
