import * as z from "zod";
import { action, byServiceOrOperator } from "../../../lib/actions/contract.ts";
import * as field from "../../../lib/actions/schemas.ts";
import { ImportRefusal } from "../../users/contract/users-import.contract.ts";

/** Part of the contract of auth. */
export const credentialActions = {
  /** Hashes of other systems, before their accounts are there, as at a registration. `refused` are not stored. */
  importCredentials: action({
    params: z.strictObject({
      credentials: z.array(z.strictObject({ user_id: field.Id, password_hash: z.string().max(512) })).max(500),
    }),
    result: z.strictObject({ refused: z.array(ImportRefusal) }),
    access: byServiceOrOperator("import:write"),
  }),
};
