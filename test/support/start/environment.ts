import { jest } from "@jest/globals";

jest.setTimeout(60_000);
// For machines that are not ours alone: a failure that does not come again is printed, and fails nobody's build. None here by default.
jest.retryTimes(Number(process.env.TEST_RETRIES ?? 0), { logErrorsBeforeRetry: true, retryImmediately: true });
process.env.NODE_ENV = "test";
process.env.UV_THREADPOOL_SIZE ??= "8";
