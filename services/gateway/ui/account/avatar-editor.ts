import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { describeError } from "../app/api-client.ts";
import type { User } from "../app/api-types.ts";
import { announceChange } from "../app/live.ts";
import { t } from "../app/messages.ts";
import { api } from "../app/session.ts";
import { Avatar } from "../components/avatar.ts";
import { Button } from "../components/button.ts";
import { Dialog } from "../components/dialog.ts";
import { Alert, toast } from "../components/feedback.ts";
import { account } from "./account-data.ts";
import { type Crop, centredCrop, drawCrop, MAX_ZOOM, moveCrop, zoomCrop } from "./crop.ts";

/** The picture with the buttons to change it. */
export function AvatarEditor({ user }: { readonly user: User }): VNode {
  const image = useSignal<ImageBitmap | null>(null);
  const failure = useSignal<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const choose = async ({ target }: Event) => {
    const file = (target as HTMLInputElement).files?.[0];
    if (file) image.value = await createImageBitmap(file).catch(() => null);
    failure.value = file && image.value === null ? t("avatar.unreadable") : null;
    if (input.current) input.current.value = "";
  };
  const remove = async () => {
    await api.delete("users/me/avatar").catch((error) => {
      failure.value = describeError(error);
    });
    await changed();
  };
  return html`<div class="avatar-row">
    <${Avatar} user=${user} size=${72} />
    <div class="stack-tight">
      <div class="row">
        <${Button} small icon="camera" onClick=${() => input.current?.click()}>${t(user.avatar_url ? "avatar.change" : "avatar.upload")}<//>
        ${user.avatar_url && html`<${Button} small kind="quiet" onClick=${remove}>${t("avatar.remove")}<//>`}
      </div>
      <p class="hint">${t("avatar.hint")}</p>
      ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
    </div>
    <input ref=${input} type="file" accept="image/png,image/jpeg,image/gif,image/webp" hidden onChange=${choose} aria-label=${t("avatar.upload")} />
    ${image.value && html`<${CropDialog} image=${image.value} onClose=${() => (image.value = null)} />`}
  </div>` as VNode;
}

async function changed(): Promise<void> {
  await account.load();
  announceChange();
}

const VIEW = 288;

interface CropDialogProps {
  readonly image: ImageBitmap;
  readonly onClose: () => void;
}

/** Lets the reader choose a square of the picture: with the pointer, or with the arrow keys and the slider. */
function CropDialog({ image, onClose }: CropDialogProps): VNode {
  const crop = useSignal<Crop>(centredCrop(image));
  const busy = useSignal(false);
  const failure = useSignal<string | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) drawCrop(canvas.current, image, crop.value);
  }, [crop.value]);
  const move = (x: number, y: number) => {
    crop.value = moveCrop(image, crop.value, x / VIEW, y / VIEW);
  };
  const drag = (event: PointerEvent) => event.buttons === 1 && move(-event.movementX, -event.movementY);
  const save = async () => {
    busy.value = true;
    try {
      await upload(image, crop.value);
      toast(t("avatar.saved"));
      onClose();
      await changed();
    } catch (error) {
      failure.value = describeError(error);
    }
    busy.value = false;
  };
  return html`<${Dialog} title=${t("avatar.crop")} onClose=${onClose}>
    ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
    <canvas ref=${canvas} class="crop" width=${VIEW} height=${VIEW} tabindex="0" role="img" aria-label=${t("avatar.crop_help")}
      onPointerMove=${drag} onKeyDown=${(event: KeyboardEvent) => moveByKey(event, move)}></canvas>
    <label class="zoom"><span>${t("avatar.zoom")}</span>
      <input type="range" min="1" max=${MAX_ZOOM} step="0.05" value=${crop.value.zoom}
        onInput=${({ target }: Event) => (crop.value = zoomCrop(image, crop.value, Number((target as HTMLInputElement).value)))} />
    </label>
    <div class="dialog-actions">
      <${Button} onClick=${onClose}>${t("cancel")}<//>
      <${Button} kind="primary" busy=${busy.value} onClick=${save}>${t("avatar.save")}<//>
    </div>
  <//>` as VNode;
}

const keys: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-8, 0],
  ArrowRight: [8, 0],
  ArrowUp: [0, -8],
  ArrowDown: [0, 8],
};

function moveByKey(event: KeyboardEvent, move: (x: number, y: number) => void): void {
  const step = keys[event.key];
  if (!step) return;
  event.preventDefault();
  move(...(step as [number, number]));
}

const UPLOAD_PIXELS = 512;

/** Only the chosen square leaves the browser. */
async function upload(image: ImageBitmap, crop: Crop): Promise<void> {
  const canvas = document.createElement("canvas");
  canvas.width = UPLOAD_PIXELS;
  canvas.height = UPLOAD_PIXELS;
  drawCrop(canvas, image, crop);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  const form = new FormData();
  form.append("file", blob as Blob, "avatar.png");
  await api.upload("users/me/avatar", form);
}
