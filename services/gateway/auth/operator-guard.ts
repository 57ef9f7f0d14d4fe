import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { isLoopback } from "../http/client-address.ts";

/** Who may look inside: this machine, and whoever has OPERATOR_TOKEN. */
export interface OperatorGuard {
  /** Also anyone, where all is embedded and there is nothing to hide behind a load balancer. */
  allowsDetails(request: IncomingMessage): boolean;
  allows(request: IncomingMessage): boolean;
  /** Throws 401. */
  assertAllowed(request: IncomingMessage): void;
}

export function createOperatorGuard(config: Config): OperatorGuard {
  const isEmbedded = config.database.embedded && config.nats.url === undefined;
  const expected = config.operatorToken === undefined ? null : digest(`Bearer ${config.operatorToken}`);
  const hasToken = ({ headers }: IncomingMessage): boolean =>
    expected !== null && timingSafeEqual(digest(headers.authorization ?? ""), expected);
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

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
