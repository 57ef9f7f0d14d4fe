import { type ComponentType, h, render } from "preact";
import { loadMessages } from "./messages.ts";

/** Renders a page into its document, once its messages have loaded. */
export async function mount(page: ComponentType): Promise<void> {
  await loadMessages();
  const root = document.getElementById("app");
  if (root) render(h(page, null), root);
}
