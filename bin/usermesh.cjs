#!/usr/bin/env node
// Usermesh needs Node 24, which the package `node` brings along, whatever Node runs this file.
const { spawnSync } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const brought = join(root, "node_modules/.bin/node");
const program = Number(process.versions.node.split(".")[0]) < 24 && existsSync(brought) ? brought : process.execPath;
const args = ["--require", join(root, "scripts/environment.cjs"), join(root, "scripts/usermesh.ts")];
const { status, signal } = spawnSync(program, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? (signal === "SIGINT" ? 130 : 1);
