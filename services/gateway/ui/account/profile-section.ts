import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Profile, User } from "../app/api-types.ts";
import { t } from "../app/messages.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { toast } from "../components/feedback.ts";
import { TextField } from "../components/field.ts";
import { FormView } from "../components/form.ts";
import { Loaded } from "../components/loaded.ts";
import { useResourceForm } from "../components/resource-form.ts";
import { account, profile, show } from "./account-data.ts";
import { AvatarEditor } from "./avatar-editor.ts";
import { EmailCard } from "./email-card.ts";

export function ProfileSection(): VNode {
  return html`<div class="console-cards">
    <${Card} title=${t("profile.about")} text=${t("profile.about_text")}>
      <${Loaded} resource=${account} lines=${6} render=${(user: User) => html`<${AboutForm} user=${user} />`} />
    <//>
    <${EmailCard} />
    <${Card} title=${t("profile.more")} text=${t("profile.more_text")}>
      <${Loaded} resource=${profile} render=${() => html`<${DetailsForm} />`} />
    <//>
  </div>` as VNode;
}

const accountFields = ["full_name", "username", "current_title", "company", "location", "bio"] as const;
const profileFields = ["headline", "phone", "website_url", "linkedin_url", "github_url"] as const;
const accountTexts = (user: User) => textsOf(user, accountFields);
const profileTexts = (data: Profile) => textsOf(data, profileFields);

function AboutForm({ user }: { readonly user: User }): VNode {
  const { form, base, fill, reload } = useResourceForm(account, accountTexts);
  const send = async (values: Record<string, string>) => {
    const body = changes(values, accountTexts(base.value));
    const { data } = await api.patch<User>("users/me", body, base.value);
    show(account, data);
    fill(data);
    toast(t("saved"));
  };
  return html`<div class="stack">
    <${AvatarEditor} user=${user} />
    <${FormView} form=${form} onSend=${send} onReload=${reload}>
      <div class="form-grid">
        <${TextField} form=${form} name="full_name" label=${t("profile.full_name")} autocomplete="name" maxLength=${255} />
        <${TextField} form=${form} name="username" label=${t("profile.username")} autocomplete="username" spellcheck=${false} maxLength=${50} />
        <${TextField} form=${form} name="current_title" label=${t("profile.current_title")} autocomplete="organization-title" maxLength=${255} />
        <${TextField} form=${form} name="company" label=${t("profile.company")} autocomplete="organization" maxLength=${255} />
        <${TextField} form=${form} name="location" label=${t("profile.location")} autocomplete="address-level2" maxLength=${255} />
        <div class="span-all"><${TextField} form=${form} name="bio" label=${t("profile.bio")} multiline maxLength=${2000} /></div>
      </div>
      <${SaveRow} busy=${form.busy.value} />
    <//>
  </div>` as VNode;
}

function DetailsForm(): VNode {
  const { form, base, fill, reload } = useResourceForm(profile, profileTexts);
  const send = async (values: Record<string, string>) => {
    const body = changes(values, profileTexts(base.value));
    const { data } = await api.patch<Profile>("users/me/profile", body, base.value);
    show(profile, data);
    fill(data);
    toast(t("saved"));
  };
  return html`<${FormView} form=${form} onSend=${send} onReload=${reload}>
    <div class="form-grid">
      <div class="span-all"><${TextField} form=${form} name="headline" label=${t("profile.headline")} maxLength=${255} /></div>
      <${TextField} form=${form} name="phone" type="tel" label=${t("profile.phone")} autocomplete="tel" hint=${t("profile.phone_hint")} maxLength=${20} />
      <${TextField} form=${form} name="website_url" type="url" label=${t("profile.website")} autocomplete="url" maxLength=${500} />
      <${TextField} form=${form} name="linkedin_url" type="url" label="LinkedIn" maxLength=${500} />
      <${TextField} form=${form} name="github_url" type="url" label="GitHub" maxLength=${500} />
    </div>
    <${SaveRow} busy=${form.busy.value} />
  <//>` as VNode;
}

function SaveRow({ busy }: { readonly busy: boolean }): VNode {
  return html`<div class="row form-actions"><${Button} kind="primary" type="submit" busy=${busy}>${t("save")}<//></div>` as VNode;
}

function textsOf<K extends string>(data: Readonly<Record<K, unknown>>, names: readonly K[]): Record<K, string> {
  return Object.fromEntries(names.map((name) => [name, String(data[name] ?? "")])) as Record<K, string>;
}

/** Sends only what has been changed. An empty field clears it. */
function changes(values: Record<string, string>, before: Record<string, string>): Record<string, string | null> {
  const changed = Object.entries(values).filter(([name, value]) => value.trim() !== before[name]);
  return Object.fromEntries(changed.map(([name, value]) => [name, value.trim() === "" ? null : value.trim()]));
}
