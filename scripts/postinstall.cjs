const { spawnSync } = require("node:child_process");
const { join } = require("node:path");

// Fills the cache of compiled code after `npm ci`. Installing must not depend on it: package.json may have been copied without
// this folder, as in many a Dockerfile, Node.js may be too old to read TypeScript, and .env is not read at all.
const fill = ["--require", join(__dirname, "compile-cache.cjs"), join(__dirname, "fill-compile-cache.ts")];
if (Number(process.versions.node.split(".")[0]) >= 24) spawnSync(process.execPath, fill, { stdio: "ignore" });
