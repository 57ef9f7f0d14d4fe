import { Discoverers } from "moleculer";

/**
 * Moleculer's discoverer, but a node that was held up itself (stopped, starved, a frozen container) reads what the others
 * sent meanwhile before it looks who was silent. Else it wakes up, takes every node for gone, and serves nobody.
 */
export class WakefulDiscoverer extends Discoverers.Local {
  override checkRemoteNodes(): void {
    setImmediate(() => super.checkRemoteNodes());
  }
}
