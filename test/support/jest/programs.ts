import { findExecutable } from "../../../scripts/local-servers/processes.ts";

const servers = ["nats-server", "redis-server"];

/** Names of the servers that some suites need and this machine lacks. */
export function missingServers(): readonly string[] {
  return servers.filter((name) => findExecutable(name) === undefined);
}

export function explainMissing(missing: readonly string[]): string {
  return `The suites over NATS and Redis need ${missing.join(" and ")}. Run \`bash .ci/run\` as root, \`apt-get install ${missing.join(" ")}\`, or put a download on the PATH.`;
}
