import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { ComponentType, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { describeError } from "../app/api-client.ts";
import { watchSession } from "../app/live.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { path } from "../app/router.ts";
import { mayBeSignedIn } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Console, ConsoleHead, type ConsoleLink } from "../components/console.ts";
import { Empty, Skeleton } from "../components/feedback.ts";
import { Icon, type IconName } from "../components/icons.ts";
import { Loaded } from "../components/loaded.ts";
import { access, actIn, actingTenant, may } from "./access.ts";

type View = ComponentType<{ readonly id?: string }>;

interface Section {
  readonly name: string;
  readonly path: string;
  readonly icon: IconName;
  /** Permissions, one of which is enough to see the section. */
  readonly permissions: readonly string[];
  /** Its module is loaded when it is first shown, so that the first page that someone opens stays small. */
  readonly load: () => Promise<View>;
  readonly one?: () => Promise<View>;
}

const ofTenant: readonly Section[] = [
  {
    name: "overview",
    path: "/admin",
    icon: "home",
    permissions: ["activity:read", "platform:metrics"],
    load: async () => (await import("./overview-section.ts")).OverviewSection,
  },
  {
    name: "accounts",
    path: "/admin/accounts",
    icon: "users",
    permissions: ["users:read"],
    load: async () => (await import("./accounts/accounts-section.ts")).AccountsSection,
    one: async () => (await import("./accounts/account-section.ts")).AccountSection,
  },
  {
    name: "roles",
    path: "/admin/roles",
    icon: "shield",
    permissions: ["roles:read"],
    load: async () => (await import("./roles/roles-section.ts")).RolesSection,
  },
  {
    name: "activity",
    path: "/admin/activity",
    icon: "activity",
    permissions: ["activity:read"],
    load: async () => (await import("./activity-section.ts")).ActivitySection,
  },
  {
    name: "webhooks",
    path: "/admin/webhooks",
    icon: "send",
    permissions: ["webhooks:read"],
    load: async () => (await import("./webhooks/webhooks-section.ts")).WebhooksSection,
    one: async () => (await import("./webhooks/webhook-section.ts")).WebhookSection,
  },
  {
    name: "erasures",
    path: "/admin/erasures",
    icon: "trash",
    permissions: ["users:read"],
    load: async () => (await import("./erasures-section.ts")).ErasuresSection,
  },
];

const ofPlatform: readonly Section[] = [
  {
    name: "mesh",
    path: "/mesh",
    icon: "mesh",
    permissions: ["platform:metrics"],
    load: async () => (await import("./mesh/mesh-section.ts")).MeshSection,
  },
  {
    name: "tenants",
    path: "/admin/tenants",
    icon: "building",
    permissions: ["platform:tenants"],
    load: async () => (await import("./tenants/tenants-section.ts")).TenantsSection,
    one: async () => (await import("./tenants/tenant-section.ts")).TenantSection,
  },
  {
    name: "queues",
    path: "/admin/queues",
    icon: "layers",
    permissions: ["platform:queues"],
    load: async () => (await import("./queues-section.ts")).QueuesSection,
  },
  {
    name: "keys",
    path: "/admin/keys",
    icon: "key",
    permissions: ["platform:keys"],
    load: async () => (await import("./keys-section.ts")).KeysSection,
  },
];

const idIn = (url: string): string | undefined => url.split("/")[3];

/** The section of a path such as `/admin/accounts/<id>`. */
function sectionAt(url: string, sections: readonly Section[]): Section | undefined {
  return sections.find((one) => one.path === url.split("/").slice(0, 3).join("/"));
}

function loadView(section: Section, id: string | undefined): Promise<View> {
  return (id !== undefined && section.one ? section.one : section.load)();
}

function AdminPage(): VNode {
  const id = idIn(path.value);
  const isShown = ({ permissions }: Section) => permissions.some(may);
  const [tenant, platform] = [ofTenant.filter(isShown), ofPlatform.filter(isShown)];
  const all = [...tenant, ...platform];
  const section = sectionAt(path.value, all);
  const links = (sections: readonly Section[]): ConsoleLink[] =>
    sections.map((one) => ({ path: one.path, icon: one.icon, label: t(`admin.${one.name}`) }));
  const account: ConsoleLink = { path: "/account", icon: "user", label: t("admin.own_account"), leaves: true };
  return html`<${Console} label=${t("admin.sections")} wide notice=${html`<${TenantNotice} />`} user=${access.data.value?.user ?? null}
    groups=${[links(tenant), links(platform), [account]]} current=${section?.path ?? ""}>
    <${Loaded} resource=${access} lines=${8} render=${() =>
      section
        ? html`<${Shown} key=${`${section.name} ${id} ${actingTenant.value?.slug}`} section=${section} id=${id} />`
        : html`<${NotPermitted} isEmpty=${all.length === 0} />`} />
  <//>` as VNode;
}

/** Loads the module of a section, and shows it. */
function Shown({ section, id }: { readonly section: Section; readonly id: string | undefined }): VNode {
  const view = useSignal<View | null>(null);
  const failure = useSignal<string | null>(null);
  const load = async () => {
    failure.value = null;
    try {
      view.value = await loadView(section, id);
    } catch (error) {
      failure.value = describeError(error);
    }
  };
  useEffect(() => {
    load();
  }, []);
  if (view.value !== null) return html`<${view.value} id=${id} />` as VNode;
  if (failure.value === null) return html`<${Skeleton} lines=${8} label=${t("loading")} />` as VNode;
  return html`<${Empty} icon="alert" title=${t("load_failed")} text=${failure.value}>
    <${Button} icon="refresh" onClick=${load}>${t("retry")}<//>
  <//>` as VNode;
}

function NotPermitted({ isEmpty }: { readonly isEmpty: boolean }): VNode {
  const key = isEmpty ? "admin.no_access" : "admin.unknown";
  return html`<${ConsoleHead} title=${t("admin.title")} />
    <section class="card"><${Empty} icon="lock" title=${t(key)} text=${t(`${key}_text`)} /></section>` as VNode;
}

function TenantNotice(): VNode | null {
  const tenant = actingTenant.value;
  if (tenant === null) return null;
  return html`<div class="tenant-notice">
    <${Icon} name="building" size=${18} />
    <p><span>${t("admin.acting_in")}</span><strong>${tenant.name}</strong></p>
    <${Button} kind="quiet" small icon="close" label=${t("admin.leave_tenant")} onClick=${() => actIn(null)} />
  </div>` as VNode;
}

if (mayBeSignedIn()) watchSession(() => access.load());
access.load();
// The code of the section is no secret, so it is loaded while the permissions are read. `Shown` reports a failure.
const first = sectionAt(path.value, [...ofTenant, ...ofPlatform]);
if (first) loadView(first, idIn(path.value)).catch(() => undefined);
mount(AdminPage);
