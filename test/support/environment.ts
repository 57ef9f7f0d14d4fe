import { jest } from "@jest/globals";

jest.setTimeout(60_000);
process.env.NODE_ENV = "test";
process.env.UV_THREADPOOL_SIZE ??= "8";
