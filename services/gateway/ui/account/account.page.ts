import { html } from "htm/preact";
import type { VNode } from "preact";
import { watchSession } from "../app/live.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { path } from "../app/router.ts";
import { mayBeSignedIn } from "../app/session.ts";
import { Console, ConsoleHead, type ConsoleLink } from "../components/console.ts";
import type { IconName } from "../components/icons.ts";
import { account, reloadShown } from "./account-data.ts";
import { ActivitySection } from "./activity-section.ts";
import { DataSection } from "./data-section.ts";
import { PreferencesSection } from "./preferences-section.ts";
import { ProfileSection } from "./profile-section.ts";
import { SecuritySection } from "./security-section.ts";

interface Section {
  readonly name: string;
  readonly path: string;
  readonly icon: IconName;
  readonly view: () => VNode;
}

const sections: readonly Section[] = [
  { name: "profile", path: "/account", icon: "user", view: ProfileSection },
  { name: "security", path: "/account/security", icon: "shield", view: SecuritySection },
  { name: "preferences", path: "/account/preferences", icon: "sliders", view: PreferencesSection },
  { name: "activity", path: "/account/activity", icon: "activity", view: ActivitySection },
  { name: "data", path: "/account/data", icon: "download", view: DataSection },
];

function AccountPage(): VNode {
  const current = sections.find((one) => one.path === path.value) ?? (sections[0] as Section);
  const links = sections.map(({ name, path, icon }) => ({ path, icon, label: t(`account.${name}`) }));
  return html`<${Console} label=${t("account.sections")} groups=${[links, administration()]} current=${current.path} user=${account.data.value}>
    <${ConsoleHead} key=${current.name} title=${t(`account.${current.name}`)} text=${t(`account.${current.name}_text`)} />
    <${current.view} key=${current.name} />
  <//>` as VNode;
}

/** Roles other than `user` usually permit something in the console, which shows only what they permit. */
function administration(): ConsoleLink[] {
  const isMore = account.data.value?.roles.some((role) => role !== "user") ?? false;
  return isMore ? [{ path: "/admin", icon: "grid", label: t("account.administration"), leaves: true }] : [];
}

if (mayBeSignedIn()) watchSession(reloadShown);
account.load();
mount(AccountPage);
