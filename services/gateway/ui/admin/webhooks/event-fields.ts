import { html } from "htm/preact";
import type { VNode } from "preact";
import type { PublicEventType } from "../../../../../lib/contracts/public-events.contract.ts";
import { ApiError } from "../../app/api-client.ts";
import type { Webhook } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { describeActivity } from "../../components/activity.ts";
import { CheckField } from "../../components/confirm-dialog.ts";
import type { Form, FormValues } from "../../components/form.ts";
import { Icon } from "../../components/icons.ts";

/** Every type, so that a new one does not compile until it has its place here. */
const groupOf: Readonly<Record<PublicEventType, "accounts" | "access" | "tenant">> = {
  "user.created": "accounts",
  "user.updated": "accounts",
  "user.verified": "accounts",
  "user.deactivated": "accounts",
  "user.reactivated": "accounts",
  "user.deleted": "accounts",
  "user.erased": "accounts",
  "preferences.updated": "accounts",
  "subscription.changed": "accounts",
  "session.created": "access",
  "session.revoked": "access",
  "token.reused": "access",
  "password.changed": "access",
  "identity.linked": "access",
  "identity.unlinked": "access",
  "role.changed": "tenant",
  "tenant.created": "tenant",
  "tenant.updated": "tenant",
};
const types = Object.keys(groupOf) as PublicEventType[];
const groups = ["accounts", "access", "tenant"] as const;

/** The values of a form with these fields. A checkbox is named after its type. */
export type EventValues = FormValues & { all_events: boolean };

export function eventValues(chosen: Webhook["event_types"]): EventValues {
  const all_events = chosen === null;
  return { ...Object.fromEntries(types.map((type) => [type, chosen?.includes(type) ?? false])), all_events };
}

/** Throws if no type is chosen, as the API would; null for all types. */
export function chosenEvents(values: EventValues): Webhook["event_types"] {
  if (values.all_events) return null;
  const chosen = types.filter((type) => values[type] === true);
  if (chosen.length > 0) return chosen;
  const errors = [{ field: "all_events", code: "no_event", message: t("webhooks.choose_event") }];
  throw new ApiError(422, { errors });
}

/** All types of events, also those that a later version adds, or a choice of them. */
export function EventFields<V extends EventValues>({ form }: { readonly form: Form<V> }): VNode {
  const error = form.errors.value.all_events;
  return html`<fieldset class="stack-tight"><legend class="label">${t("webhooks.events")}</legend>
    <${CheckField} form=${form} name="all_events" label=${t("webhooks.all_events")} hint=${t("webhooks.all_events_hint")} />
    ${error !== undefined && html`<p class="field-error" role="alert"><${Icon} name="alert" size=${16} />${error}</p>`}
    ${!form.values.value.all_events && groups.map((group) => html`<${Group} key=${group} form=${form} group=${group} />`)}
  </fieldset>` as VNode;
}

interface GroupProps<V extends EventValues> {
  readonly form: Form<V>;
  readonly group: (typeof groups)[number];
}

function Group<V extends EventValues>({ form, group }: GroupProps<V>): VNode {
  return html`<fieldset class="event-group"><legend>${t(`webhooks.group_${group}`)}</legend>
    ${types.filter((type) => groupOf[type] === group).map((type) => html`<${CheckField} key=${type} form=${form} name=${type} label=${describeActivity(type)} />`)}
  </fieldset>` as VNode;
}
