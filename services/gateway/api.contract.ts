import * as z from "zod";
import { action, byOperator, contract } from "../../lib/actions/contract.ts";

/** The name under which people who know moleculer-web look for the list of routes. */
export const apiContract = contract("api", {
  requiredPermissions: [],
  actions: {
    /** moleculer-web's list of routes. */
    listAliases: action({
      params: z.strictObject({ grouping: z.boolean().optional(), withActionSchema: z.boolean().optional() }),
      result: z.array(z.looseObject({})),
      access: byOperator,
      idempotent: true,
    }),
  },
});
