import { jest } from "@jest/globals";

jest.setTimeout(60_000);
// A machine with two busy cores can starve one test; a failure that does not come again is printed and no more.
jest.retryTimes(2, { logErrorsBeforeRetry: true });
process.env.NODE_ENV = "test";
process.env.UV_THREADPOOL_SIZE ??= "8";
