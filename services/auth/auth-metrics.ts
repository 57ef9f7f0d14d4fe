import type { Platform } from "../../lib/runtime/platform.ts";
import { reportKeyUsage } from "../../mixins/key-usage.ts";
import type { AuthDeps } from "./dependencies.ts";
import { viewSigningKeys } from "./signing/rotate-signing-key.ts";

/** Metrics of auth: the queue of password hashes, and the age of the signing key. */
export function reportAuthMetrics({ metrics, clock }: Platform, deps: AuthDeps, keyUsage: string): void {
  metrics.report("password_hashes", () => {
    const { running, waiting } = deps.hashAdmission.stats();
    return [
      [{ state: "running" }, running],
      [{ state: "waiting" }, waiting],
    ];
  });
  metrics.report("signing_key_age_seconds", async () => {
    const signing = (await viewSigningKeys(deps)).find(({ state }) => state === "signing");
    return signing ? [[{}, (clock.now().getTime() - Date.parse(signing.sign_from)) / 1_000]] : [];
  });
  reportKeyUsage(metrics, deps, "passwords", keyUsage);
}
