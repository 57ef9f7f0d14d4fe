import { findExecutable } from "../../../scripts/local-servers/processes.ts";
import { findChromium } from "../clients/chromium.ts";

const servers = ["nats-server", "redis-server"];

/** Names of the servers that some suites need and this machine lacks. */
export function missingServers(): readonly string[] {
  return servers.filter((name) => findExecutable(name) === undefined);
}

/** With the browser, without which the pages are not tried. */
export function missingPrograms(): readonly string[] {
  return [...missingServers(), ...(findChromium() === undefined ? ["chromium"] : [])];
}

export function explainMissing(missing: readonly string[]): string {
  return `Some suites need ${missing.join(" and ")}. Run \`bash .ci/run\` as root, \`apt-get install ${missing.join(" ")}\`, or put a download on the PATH (CHROMIUM=<path> names a browser).`;
}
