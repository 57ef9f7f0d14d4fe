import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { Icon, type IconName } from "./icons.ts";

export interface ButtonProps {
  readonly kind?: "primary" | "secondary" | "quiet" | "danger" | "danger-quiet";
  readonly type?: "button" | "submit";
  /** Shows a spinner, and ignores clicks. The button keeps the focus, which `disabled` would take from it. */
  readonly busy?: boolean;
  readonly small?: boolean;
  readonly wide?: boolean;
  readonly icon?: IconName;
  /** Name for screen readers, if there is no text. */
  readonly label?: string;
  /** Makes it a link. */
  readonly href?: string;
  readonly onClick?: (event: Event) => void;
  readonly children?: ComponentChildren;
}

export function Button(props: ButtonProps): VNode {
  const {
    kind = "secondary",
    type = "button",
    busy = false,
    small,
    wide,
    icon,
    label,
    href,
    onClick,
    children,
  } = props;
  const names = ["button", `button-${kind}`, small && "button-small", wide && "button-wide"];
  const className = [...names, label !== undefined && children === undefined && "button-icon"]
    .filter(Boolean)
    .join(" ");
  const content = html`${busy ? html`<span class="spinner" aria-hidden="true"></span>` : icon && html`<${Icon} name=${icon} size=${18} />`}
    ${children}`;
  if (href !== undefined) return html`<a class=${className} href=${href} aria-label=${label}>${content}</a>` as VNode;
  const handleClick = (event: Event) => (busy ? event.preventDefault() : onClick?.(event));
  return html`<button class=${className} type=${type} aria-disabled=${busy ? "true" : undefined} aria-label=${label} title=${label}
    onClick=${handleClick}>${content}</button>` as VNode;
}
