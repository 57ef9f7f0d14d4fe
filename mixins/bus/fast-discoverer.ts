import { Discoverers } from "moleculer";

const CHECK_EVERY_MS = 500;

/**
 * Moleculer's discoverer with two differences. It checks for silent nodes twice a second: the stock one checks once per
 * `heartbeatTimeout`, so that a stopped node can block its callers for up to twice as long, beyond their timeouts. And a
 * node that was itself paused (stopped, starved, a frozen container) first reads the heartbeats that arrived meanwhile:
 * otherwise it would consider all others gone when it resumes.
 */
export class FastDiscoverer extends Discoverers.Local {
  override startHeartbeatTimers(): void {
    super.startHeartbeatTimers();
    clearInterval(this.checkNodesTimer);
    this.checkNodesTimer = setInterval(() => this.checkRemoteNodes(), CHECK_EVERY_MS).unref();
  }

  override checkRemoteNodes(): void {
    setImmediate(() => super.checkRemoteNodes());
  }
}
