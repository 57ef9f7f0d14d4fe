import { readFile } from "node:fs/promises";
import { brandColors } from "../../../../lib/branding/brand-colors.ts";
import type { Asset, Assets } from "../assets/assets.ts";
import { UI_DIR } from "../assets/sources.ts";

/** Stylesheets of ui/styles/ as one, which saves requests. It is named after the last of them. */
export function styleSheet(assets: Assets, names: readonly string[]): Promise<Asset> {
  return assets.generated(`${names.at(-1)}.css`, async () => {
    const files = names.map((name) => readFile(`${UI_DIR}/styles/${name}.css`, "utf8"));
    return (await Promise.all(files)).join("\n");
  });
}

/** What depends on the configuration or on hashed names: the brand's colours and the fonts. */
export function brandSheet(assets: Assets, color: string): Promise<Asset> {
  return assets.generated("brand.css", async () => {
    const { light, onLight, dark, onDark } = brandColors(color);
    const fonts = await Promise.all(FONTS.map(([file, range]) => fontFace(assets, file, range)));
    return `${fonts.join("\n")}
:root { --accent: light-dark(${light}, ${dark}); --on-accent: light-dark(${onLight}, ${onDark}) }
`;
  });
}

const LATIN =
  "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD";
const LATIN_EXTENDED =
  "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF";
const FONTS = [
  ["inter-latin-ext.woff2", LATIN_EXTENDED],
  ["inter-latin.woff2", LATIN],
] as const;

/** `swap` shows text in the system's font until Inter has loaded. */
async function fontFace(assets: Assets, file: (typeof FONTS)[number][0], range: string): Promise<string> {
  const { name } = await assets.file(`fonts/${file}`);
  return `@font-face { font-family: "Inter"; font-weight: 100 900; font-display: swap; src: url("./${name}") format("woff2"); unicode-range: ${range} }`;
}
