import { fieldError } from "../../../lib/actions/errors.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";

/**
 * Checks the form of the URL. Whether its host may be connected to is checked on the resolved address of each connection: see
 * lib/outbound/public-lookup.ts.
 */
export function assertUsableUrl({ allowPrivateAddresses }: WebhooksDeps["settings"], text: string): void {
  const url = new URL(text);
  if (url.protocol !== "https:" && !allowPrivateAddresses)
    throw fieldError("url", "https_required", "must be an https URL");
  if (url.username !== "" || url.password !== "")
    throw fieldError("url", "credentials_not_allowed", "must not contain a user name or password");
  if (url.hash !== "") throw fieldError("url", "fragment_not_allowed", "must not contain a fragment");
}
