// Loaded first (`node --require`), because libuv reads the size of its thread pool only once, at its first use.
// bcrypt and WebCrypto share that pool: with all threads hashing, a token check of 0.1 ms takes 430 ms (measured).
const { availableParallelism } = require("node:os");

try {
  process.loadEnvFile(".env");
} catch (error) {
  if (error.code !== "ENOENT") throw error;
}
const hashes = Number(process.env.PASSWORD_HASH_CONCURRENCY || process.env.HASH_CONCURRENCY) || availableParallelism();
process.env.UV_THREADPOOL_SIZE ??= String(hashes + 4);
