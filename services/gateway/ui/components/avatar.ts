import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../app/api-types.ts";
import { config } from "../app/config.ts";

interface AvatarProps {
  readonly user: Pick<User, "avatar_url" | "full_name" | "email"> | null;
  readonly size: number;
}

/** The picture, or else the initials. It is decoration: the name stands beside it. */
export function Avatar({ user, size }: AvatarProps): VNode {
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.38)}px` };
  const url = user?.avatar_url;
  if (url) return html`<img class="avatar" style=${style} src=${ownUrl(url)} alt="" />` as VNode;
  return html`<span class="avatar" style=${style} aria-hidden="true">${initials(user)}</span>` as VNode;
}

/** The API names PUBLIC_URL. The page may have been opened under another name of the same server. */
function ownUrl(url: string): string {
  const { origin, pathname } = new URL(url, location.origin);
  return origin === config.origin ? pathname : url;
}

function initials(user: AvatarProps["user"]): string {
  const words = (user?.full_name || user?.email || "").split(/[\s@.]+/).filter(Boolean);
  const letters = [words[0], words.length > 1 && user?.full_name ? words.at(-1) : undefined].map(
    (word) => [...(word ?? "")][0] ?? "",
  );
  return letters.join("").toLocaleUpperCase();
}
