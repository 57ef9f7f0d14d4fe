import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { User } from "../app/api-types.ts";
import { config, pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { followLink } from "../app/router.ts";
import { signOut } from "../app/session.ts";
import { Avatar } from "./avatar.ts";
import { Brand } from "./brand.ts";
import { Button } from "./button.ts";
import { Toasts } from "./feedback.ts";
import { Icon, type IconName } from "./icons.ts";
import { SiteFoot } from "./site-foot.ts";

export interface ConsoleLink {
  readonly path: string;
  readonly icon: IconName;
  readonly label: string;
  /** The link leads to another page, so that the browser has to load it. */
  readonly leaves?: boolean;
}

interface ConsoleProps {
  /** Name of the navigation, for screen readers. */
  readonly label: string;
  readonly groups: ReadonlyArray<readonly ConsoleLink[]>;
  /** Path of the current section. */
  readonly current: string;
  readonly user: User | null;
  /** Between the brand and the navigation. */
  readonly notice?: ComponentChildren;
  readonly wide?: boolean;
  readonly children?: ComponentChildren;
}

/** A page with several sections: the navigation at the side, or on top where there is little room. */
export function Console({ label, groups, current, user, notice, wide, children }: ConsoleProps): VNode {
  // On a phone the navigation is a bar that may be wider than the screen.
  useEffect(() => {
    document.querySelector(".nav-link[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current, groups.flat().length]);
  return html`<div class="console">
    <a class="skip-link" href="#content">${t("skip")}</a>
    <aside class="sidebar">
      <${Brand} />
      ${notice}
      <nav class="sidebar-nav" aria-label=${label}>
        ${groups.filter((links) => links.length > 0).map((links) => html`<div class="sidebar-group">${links.map((one) => linkTo(one, current))}</div>`)}
      </nav>
      <${SignedInAs} user=${user} />
    </aside>
    <main class="console-main ${wide ? "console-wide" : ""}" id="content" tabindex="-1">
      ${children}
      <${SiteFoot} />
    </main>
    <${Toasts} />
  </div>` as VNode;
}

function linkTo({ path, icon, label, leaves }: ConsoleLink, current: string): VNode {
  return html`<a class="nav-link" href=${pathTo(path)} onClick=${leaves ? undefined : followLink}
    aria-current=${path === current ? "page" : undefined}><${Icon} name=${icon} size=${18} />${label}</a>` as VNode;
}

function SignedInAs({ user }: { readonly user: User | null }): VNode {
  return html`<div class="sidebar-user">
    <${Avatar} user=${user} size=${32} />
    <div class="sidebar-name"><strong>${user?.full_name ?? user?.username ?? ""}</strong><span>${user?.email}</span></div>
    <${Button} kind="quiet" icon="logout" label=${t("sign_out")} onClick=${signOut} />
  </div>` as VNode;
}

interface ConsoleHeadProps {
  readonly title: string;
  readonly text?: string;
  /** Content above the title, such as a link back to a list. */
  readonly trail?: ComponentChildren;
  /** Content beside the title, such as buttons. */
  readonly children?: ComponentChildren;
}

let isFirst = true;

/** The heading of a section. It gets the focus, so that a screen reader announces the section. */
export function ConsoleHead({ title, text, trail, children }: ConsoleHeadProps): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  useEffect(() => {
    document.title = `${title} · ${config.brand.name}`;
  }, [title]);
  return html`<header class="console-head">
    ${trail}
    <div class="console-title"><h1 ref=${heading} tabindex="-1">${title}</h1>${children && html`<div class="row">${children}</div>`}</div>
    ${text !== undefined && html`<p>${text}</p>`}
  </header>` as VNode;
}
