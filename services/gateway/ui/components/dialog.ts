import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children?: ComponentChildren;
}

/** A modal dialog while it is rendered. The browser keeps the focus inside, and closes it with Escape. */
export function Dialog({ title, onClose, wide, children }: DialogProps): VNode {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    element.current?.showModal();
    // The opener may be gone, such as a button of another dialog.
    return () => (opener?.isConnected ? opener : document.getElementById("content"))?.focus();
  }, []);
  return html`<dialog class="dialog ${wide ? "dialog-wide" : ""}" ref=${element} aria-labelledby="dialog-title" onClose=${onClose}>
    <div class="dialog-body"><h2 id="dialog-title">${title}</h2>${children}</div>
  </dialog>` as VNode;
}
