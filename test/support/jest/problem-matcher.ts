import { expect } from "@jest/globals";
import type { ErrorCode } from "../../../lib/actions/errors.ts";

declare module "expect" {
  interface Matchers<R> {
    /** An answer, `{ status, body }`, that is the problem of this status and code (RFC 9457). */
    toBeProblem(status: number, code: ErrorCode): R;
  }
}

expect.extend({
  toBeProblem(answer, status: number, code: ErrorCode) {
    const { status: receivedStatus, body } = answer as { status: number; body?: { code?: unknown } };
    const pass = receivedStatus === status && body?.code === code;
    const message = () =>
      [
        `${this.utils.matcherHint("toBeProblem", "answer", "status, code", { isNot: this.isNot === true })}\n`,
        `Expected: ${this.isNot ? "not " : ""}${this.utils.printExpected([status, code])}`,
        `Received: ${this.utils.printReceived([receivedStatus, body])}`,
      ].join("\n");
    return { pass, message };
  },
});
