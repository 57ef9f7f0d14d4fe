import { describe, expect, test } from "@jest/globals";
import { AppError } from "../../lib/actions/errors.ts";
import { translateDatabaseError } from "../../lib/database/database-errors.ts";

const withCode = (code: string, message = "failed") => Object.assign(new Error(message), { code });
/** As TypeORM wraps it. */
const wrapped = (code: string) => Object.assign(new Error("failed"), { driverError: { code }, parameters: ["secret"] });
const typeOf = (error: unknown) => (error instanceof AppError ? error.type : "not translated");

describe("SQLSTATE and codes of Node.js (PostgreSQL, appendix A)", () => {
  test.each([
    ["57P03", "the server is starting"],
    ["57P01", "the server is stopping"],
    ["08006", "the connection was lost"],
    ["53100", "the disk is full"],
    ["58030", "the disk failed"],
    ["25006", "a standby accepts no writes yet"],
    ["25P03", "a paused transaction was ended"],
    ["28P01", "the password is being changed"],
    ["3D000", "the database is being restored"],
    ["40003", "nobody knows whether the commit was carried out"],
    ["ECONNREFUSED", "nothing listens"],
    ["ENOTFOUND", "the name of the server is unknown"],
  ])("%s (%s) means that the database is unavailable", (code) => {
    for (const error of [withCode(code), wrapped(code)])
      expect(translateDatabaseError(error)).toMatchObject({ type: "service_unavailable", data: { retry_after: 1 } });
  });

  test.each([
    ["53300", "there are too many connections"],
    ["55P03", "a lock was not available"],
    ["57014", "a statement took too long"],
    ["40001", "two transactions collided"],
    ["40P01", "two transactions waited for each other"],
  ])("%s (%s) means that it is busy", (code) => {
    for (const error of [withCode(code), wrapped(code)])
      expect(translateDatabaseError(error)).toMatchObject({ type: "overloaded", data: { retry_after: 1 } });
  });

  test("a connection that did not become free in time means that it is busy", () => {
    expect(typeOf(translateDatabaseError(new Error("timeout exceeded when trying to connect")))).toBe("overloaded");
  });

  test.each(["23505", "23514", "42P01", "22021", "ENOENT"])("%s is a fault of ours, and stays as it is", (code) => {
    expect(typeOf(translateDatabaseError(withCode(code)))).toBe("not translated");
  });
});

test("the values of a statement are in no error", () => {
  for (const code of ["23505", "57P03"])
    expect(JSON.stringify(translateDatabaseError(wrapped(code)))).not.toContain("secret");
  expect(translateDatabaseError(wrapped("23505"))).not.toHaveProperty("parameters");
});
