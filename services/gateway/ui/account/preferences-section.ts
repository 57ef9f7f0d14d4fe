import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import type { Preferences } from "../app/api-types.ts";
import { config } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { toast } from "../components/feedback.ts";
import { SelectField } from "../components/field.ts";
import { type Form, type FormValues, FormView } from "../components/form.ts";
import { Loaded } from "../components/loaded.ts";
import { useResourceForm } from "../components/resource-form.ts";
import { preferences, show } from "./account-data.ts";

export function PreferencesSection(): VNode {
  return html`<${Loaded} resource=${preferences} lines=${8} render=${() => html`<${PreferencesForm} />`} />` as VNode;
}

interface Values extends FormValues {
  language: string;
  timezone: string;
  privacy_profile: string;
  privacy_location: boolean;
  notification_email: boolean;
  notification_push: boolean;
}

function PreferencesForm(): VNode {
  const { form, base, fill, reload } = useResourceForm(preferences, valuesOf);
  const send = async (values: Values) => {
    const body = { ...values, language: values.language || null, timezone: values.timezone || null };
    const { data } = await api.patch<Preferences>("users/me/preferences", body, base.value);
    show(preferences, data);
    fill(data);
    toast(t("saved"));
  };
  return html`<${FormView} form=${form} onSend=${send} onReload=${reload} class="console-cards">
    <${Card} title=${t("preferences.region")} text=${t("preferences.region_text")}>
      <div class="form-grid">
        <${SelectField} form=${form} name="language" label=${t("preferences.language")} options=${languageOptions(base.value.language)} />
        <${SelectField} form=${form} name="timezone" label=${t("preferences.timezone")} options=${timezoneOptions(base.value.timezone)} />
      </div>
    <//>
    <${Card} title=${t("preferences.privacy")} text=${t("preferences.privacy_text")}>
      <div class="stack">
        <${SelectField} form=${form} name="privacy_profile" label=${t("preferences.visibility")} options=${visibilities()} />
        <${Switch} form=${form} name="privacy_location" label=${t("preferences.location")} hint=${t("preferences.location_text")} />
      </div>
    <//>
    <${Card} title=${t("preferences.notifications")} text=${t("preferences.notifications_text")}>
      <div class="stack">
        <${Switch} form=${form} name="notification_email" label=${t("preferences.by_email")} hint=${t("preferences.by_email_text")} />
        <${Switch} form=${form} name="notification_push" label=${t("preferences.by_push")} hint=${t("preferences.by_push_text")} />
      </div>
    <//>
    <div class="row form-actions"><${Button} kind="primary" type="submit" busy=${form.busy.value}>${t("save")}<//></div>
  <//>` as VNode;
}

function valuesOf(data: Preferences): Values {
  const { privacy_profile, privacy_location, notification_email, notification_push } = data;
  const texts = { language: data.language ?? "", timezone: data.timezone ?? "" };
  return { ...texts, privacy_profile, privacy_location, notification_email, notification_push };
}

interface SwitchProps {
  readonly form: Form<Values>;
  readonly name: keyof Values & string;
  readonly label: string;
  readonly hint: ComponentChildren;
}

function Switch({ form, name, label, hint }: SwitchProps): VNode {
  const change = ({ target }: Event) => form.set(name, (target as HTMLInputElement).checked);
  return html`<div class="switch-row">
    <div><label for=${name}>${label}</label><p class="hint" id="${name}-hint">${hint}</p></div>
    <input class="switch" type="checkbox" role="switch" id=${name} name=${name} aria-describedby="${name}-hint"
      checked=${form.values.value[name] === true} onChange=${change} />
  </div>` as VNode;
}

function visibilities() {
  return (["public", "connections", "private"] as const).map((value) => ({
    value,
    label: t(`preferences.visibility_${value}`),
  }));
}

function languageOptions(current: string | null) {
  const names = new Intl.DisplayNames(config.language, { type: "language" });
  const tags = new Set([...config.languages, "de", "es", "it", "pt", "nl", ...(current === null ? [] : [current])]);
  const options = [...tags].map((value) => ({ value, label: names.of(value) ?? value }));
  return [{ value: "", label: t("preferences.automatic") }, ...options];
}

function timezoneOptions(current: string | null) {
  const zones = new Set([...Intl.supportedValuesOf("timeZone"), ...(current === null ? [] : [current])]);
  return [
    { value: "", label: t("preferences.automatic") },
    ...[...zones].map((value) => ({ value, label: value.replaceAll("_", " ") })),
  ];
}
