// Loaded before anything else (`node --require`): libuv reads the size of its thread pool at first use, and never again.
// It serves bcrypt and WebCrypto; where all its threads hash, a token check of 0.1 ms takes 430 (measured).
const { availableParallelism } = require("node:os");

try {
  process.loadEnvFile(".env");
} catch (error) {
  if (error.code !== "ENOENT") throw error;
}
const hashes = Number(process.env.PASSWORD_HASH_CONCURRENCY || process.env.HASH_CONCURRENCY) || availableParallelism();
process.env.UV_THREADPOOL_SIZE ??= String(hashes + 4);
