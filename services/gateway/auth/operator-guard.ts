import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { isLoopback } from "../http/client-address.ts";
import { secretDigest } from "./service-secrets.ts";

/** Decides who sees operational details: requests from this machine or with OPERATOR_TOKEN. */
export interface OperatorGuard {
  allows(request: IncomingMessage): boolean;
  /** In addition all requests, if every dependency is embedded: such an installation is for development. */
  allowsDetails(request: IncomingMessage): boolean;
  /** Throws 401 unless details are allowed. */
  assertAllowed(request: IncomingMessage): void;
}

export function createOperatorGuard(config: Config): OperatorGuard {
  const isEmbedded = config.database.embedded && config.nats.url === undefined;
  const expected = config.operatorToken === undefined ? null : secretDigest(`Bearer ${config.operatorToken}`);
  const hasToken = ({ headers }: IncomingMessage): boolean =>
    expected !== null && timingSafeEqual(secretDigest(headers.authorization ?? ""), expected);
  const allows = (request: IncomingMessage): boolean => isLoopback(request) || hasToken(request);
  const allowsDetails = (request: IncomingMessage): boolean => isEmbedded || allows(request);
  return {
    allows,
    allowsDetails,
    assertAllowed(request) {
      if (allowsDetails(request)) return;
      throw new AppError(request.headers.authorization === undefined ? "token_missing" : "token_invalid");
    },
  };
}
