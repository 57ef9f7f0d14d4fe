import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { hostNameOf, isLoopback } from "../http/client-address.ts";
import { secretDigest } from "./service-secrets.ts";

export type OperatorGuard = ReturnType<typeof createOperatorGuard>;

/** Decides who sees operational details: requests from this machine or with OPERATOR_TOKEN. */
export function createOperatorGuard({ database, nats, operatorToken, http }: Config) {
  const publicName = new URL(http.publicUrl).hostname;
  const expected = operatorToken === undefined ? null : secretDigest(`Bearer ${operatorToken}`);
  const isOperator = (request: IncomingMessage): boolean => {
    const sent = request.headers.authorization ?? "";
    return isLoopback(request) || (expected !== null && timingSafeEqual(secretDigest(sent), expected));
  };
  /**
   * Without external dependencies the installation is for development, and everyone who opens it by its own name sees the
   * details.
   */
  const allowsDetails = (request: IncomingMessage): boolean =>
    (database.embedded && nats.url === undefined && hostNameOf(request) === publicName) || isOperator(request);
  return {
    isOperator,
    allowsDetails,
    /** Throws 401 unless details are allowed. */
    assertDetailsAllowed(request: IncomingMessage): void {
      if (allowsDetails(request)) return;
      throw new AppError(request.headers.authorization === undefined ? "token_missing" : "token_invalid");
    },
  };
}
