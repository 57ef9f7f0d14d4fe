import { spawnSync } from "node:child_process";
import { findExecutable } from "../../../scripts/local-servers/processes.ts";

const servers = ["nats-server", "redis-server"];

/** Names of the servers that the suites want and this machine lacks, after an attempt to install them where that may be. */
export function ensureServers(): readonly string[] {
  const missing = absent();
  if (missing.length === 0 || process.getuid?.() !== 0 || findExecutable("apt-get") === undefined) return missing;
  process.stderr.write(`Installing ${missing.join(" and ")} with apt-get …\n`);
  spawnSync("apt-get", ["update", "-q"], { stdio: "ignore" });
  // Debian starts what it installs; ours run on ports of their own, and nobody asked for more.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", ["install", "-y", "-q", ...missing], { stdio: "ignore", env });
  return absent();
}

export function explain(missing: readonly string[]): string {
  return `The suites over NATS and Redis need ${missing.join(" and ")}: apt-get install ${missing.join(" ")} (or brew, or a download on the PATH).`;
}

function absent(): string[] {
  return servers.filter((name) => findExecutable(name) === undefined);
}
