import { describe, expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { toExtensionError } from "../../../services/gateway/api/extension-error.ts";

const { MoleculerError } = Errors;

describe("an error of another team's service", () => {
  test.each([
    [409, 409, "conflict"],
    [410, 404, "not_found"],
    [402, 400, "bad_request"],
  ])("with the client error %i becomes %i and keeps its message", (code, status, type) => {
    expect(toExtensionError(new MoleculerError("not this", code))).toMatchObject({ type, status, message: "not this" });
  });

  test.each([{ code: 409 }, { code: 409, message: "" }, { code: 409, message: { secret: 1 } }])(
    "without a message gets ours (%j)",
    (error) => {
      expect(toExtensionError(error)).toMatchObject({ type: "conflict", message: new AppError("conflict").message });
    },
  );

  test("keeps at most 500 characters of its message", () => {
    const { message } = toExtensionError(new MoleculerError("x".repeat(1_000), 400)) as AppError;
    expect(message).toBe("x".repeat(500));
  });

  test.each([new MoleculerError("a secret", 500), new Error("a secret"), undefined])(
    "that is no client error is returned as it is",
    (error) => {
      expect(toExtensionError(error)).toBe(error);
    },
  );
});
