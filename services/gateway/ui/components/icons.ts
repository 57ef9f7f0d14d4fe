import { html } from "htm/preact";
import type { VNode } from "preact";

/** Line icons on a grid of 20, by name. They are decoration: the text beside them, or the button's label, says it. */
const paths = {
  check: "M4.5 10.5l3.5 3.5 7.5-8",
  circle: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  alert: "M10 6.5v4M10 13.5v.01M10 2.5l8 14.5H2z",
  info: "M10 9.5v4M10 6.5v.01M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zM10 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  "eye-off":
    "M3 3l14 14M8.2 4.7A8 8 0 0 1 10 4.5c5 0 8 5.5 8 5.5a14 14 0 0 1-2.3 3M5 6.3A13 13 0 0 0 2 10s3 5.5 8 5.5a8 8 0 0 0 3.5-.8M8.5 8.5a2.2 2.2 0 0 0 3 3",
  mail: "M3 5h14v10.5H3zM3.5 5.5L10 11l6.5-5.5",
  user: "M10 3a3.2 3.2 0 1 0 0 6.4A3.2 3.2 0 0 0 10 3zM3.5 17c.6-3.2 3.2-4.8 6.5-4.8s5.9 1.6 6.5 4.8",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9M10 12.2v1.8",
  devices: "M3 4h11v8.5H3zM1.8 15.5h8.4M12.5 9h5.2v8h-5.2z",
  link: "M8.5 11.5l3-3M7 9.5l-2.4 2.4a2.8 2.8 0 0 0 4 4L11 13.5M13 10.5l2.4-2.4a2.8 2.8 0 0 0-4-4L9 6.5",
  sliders: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  activity: "M2.5 10.5h3.5l2.2-6 3.6 11 2.2-5h3.5",
  download: "M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13",
  trash: "M3.5 5.5h13M8 5V3.2h4V5M5 5.5l.8 11.3h8.4L15 5.5M8.3 8.8v4.8M11.7 8.8v4.8",
  home: "M3 9.5L10 3l7 6.5M5 8v8.5h10V8M8.3 16.3v-4.5h3.4v4.5",
  logout: "M8 3.5H4v13h4M8.5 10H17M14 6.8l3.2 3.2-3.2 3.2",
  camera: "M3 6h3.2l1.3-2h5l1.3 2H17v10H3zM10 8a2.8 2.8 0 1 0 0 5.6A2.8 2.8 0 0 0 10 8z",
  globe:
    "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM2.8 10h14.4M10 2.8c2 2 3 4.5 3 7.2s-1 5.2-3 7.2c-2-2-3-4.5-3-7.2s1-5.2 3-7.2z",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 1.8v1.6M10 16.6v1.6M1.8 10h1.6M16.6 10h1.6M4.2 4.2l1.1 1.1M14.7 14.7l1.1 1.1M4.2 15.8l1.1-1.1M14.7 5.3l1.1-1.1",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z",
  search: "M8.7 3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8.7 3zM13 13l4 4",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  phone: "M6 2.5h8v15H6zM9 15h2",
  monitor: "M2.5 4h15v10h-15zM7 17h6",
  "chevron-right": "M7.5 4.5L13 10l-5.5 5.5",
  "chevron-down": "M4.5 7.5L10 13l5.5-5.5",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  arrow: "M4 10h12M11 5l5 5-5 5",
  refresh: "M16 6.5A7 7 0 1 0 17 10M16.5 3v4h-4",
  key: "M13 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM10 10l-7 7M5 15l2 2M7.5 12.5l1.5 1.5",
  users:
    "M7.5 4a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM2 16.5c.4-2.8 2.6-4.2 5.5-4.2s5.1 1.4 5.5 4.2M13 4.3a2.8 2.8 0 0 1 0 5M14.8 12.6c1.8.6 3 1.9 3.2 3.9",
  grid: "M3 3.5h5.5v5.5H3zM11.5 3.5H17v5.5h-5.5zM3 11.5h5.5V17H3zM11.5 11.5H17V17h-5.5z",
  building: "M4 17V3.5h8V17M12 8h4v9M2.5 17h15M6.8 6.8h2.4M6.8 10h2.4M6.8 13.2h2.4",
  layers: "M10 3l7.5 3.7L10 10.4 2.5 6.7zM2.5 10.2L10 13.9l7.5-3.7M2.5 13.6L10 17.3l7.5-3.7",
  mesh: "M10 4.2a1.7 1.7 0 1 0 0-.01zM4.2 14.8a1.7 1.7 0 1 0 0-.01zM15.8 14.8a1.7 1.7 0 1 0 0-.01zM9.2 5.8l-4.1 7.5M10.8 5.8l4.1 7.5M6 14.8h8",
  "chevron-left": "M12.5 4.5L7 10l5.5 5.5",
  clock: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 6v4.2l2.8 1.8",
  send: "M17.5 2.5L9 11M17.5 2.5l-5.3 15-3.2-6.5-6.5-3.2z",
  copy: "M7 7h9.5v9.5H7zM4.5 13h-1V3.5H13v1",
  shield: "M10 2.5l6 2.2v4.8c0 3.8-2.5 6.6-6 8-3.5-1.4-6-4.2-6-8V4.7z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }): VNode {
  return html`<svg width=${size} height=${size} viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d=${paths[name]} /></svg>` as VNode;
}
