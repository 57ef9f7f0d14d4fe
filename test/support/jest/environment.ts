import { jest } from "@jest/globals";

// Only for tests that hang: long enough for a busy machine.
jest.setTimeout(300_000);
// For shared machines: the cause of a failure, such as a load peak, is often gone after a few seconds. The run reporter counts the tests that passed only when repeated.
jest.retryTimes(Number(process.env.TEST_RETRIES ?? 0), {
  logErrorsBeforeRetry: true,
  retryImmediately: true,
  waitBeforeRetry: 3_000,
});
process.env.NODE_ENV = "test";
process.env.UV_THREADPOOL_SIZE ??= "8";
