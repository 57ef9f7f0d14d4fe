// Loaded first (`node --require`), in syntax that old versions of Node.js read, so that a wrong one is named in one line.
const REQUIRED = 24;
if (Number(process.versions.node.split(".")[0]) < REQUIRED) {
  process.stderr.write(
    `Usermesh needs Node.js ${REQUIRED} or newer, and this is ${process.versions.node}. After \`npm ci\`, the npm scripts bring their own.\n`,
  );
  process.exit(1);
}

const { readFileSync } = require("node:fs");
const { availableParallelism } = require("node:os");
const { parseEnv, TextDecoder } = require("node:util");

require("./compile-cache.cjs");

/** Variables that are set already win, also over a line of the file. */
function loadEnvironmentFile(path) {
  for (const [name, value] of Object.entries(parseEnv(decode(path)))) process.env[name] ??= value;
}

/** Editors of Windows save UTF-8 with a byte-order mark, which would become part of the first name, or UTF-16. */
function decode(path) {
  const bytes = readFileSync(path);
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const text = new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
  if (!text.includes("\0") && !text.includes("\ufffd")) return text;
  process.stderr.write(`${path} is not a text file in UTF-8.\n`);
  return process.exit(1);
}

const startedWith = process.env.NODE_EXTRA_CA_CERTS;
try {
  loadEnvironmentFile(".env");
} catch (error) {
  if (error.code !== "ENOENT") throw error;
}
// Node.js reads this variable before .env.
if (process.env.NODE_EXTRA_CA_CERTS && process.env.NODE_EXTRA_CA_CERTS !== startedWith) {
  const tls = require("node:tls");
  const more = readFileSync(process.env.NODE_EXTRA_CA_CERTS, "utf8");
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), more]);
}

// libuv reads the size of its thread pool only once, at its first use. bcrypt and WebCrypto share that pool: with all
// threads hashing, a token check of 0.1 ms takes 430 ms (measured).
const hashes = Number(process.env.PASSWORD_HASH_CONCURRENCY || process.env.HASH_CONCURRENCY) || availableParallelism();
process.env.UV_THREADPOOL_SIZE ??= String(hashes + 4);
