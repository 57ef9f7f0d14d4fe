/** The colours that follow from the brand's, as `#rrggbb`. */
export interface BrandColors {
  /** Buttons and links on light surfaces, and text on them. */
  readonly light: string;
  readonly onLight: string;
  /** The same on dark surfaces. */
  readonly dark: string;
  readonly onDark: string;
}

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [16, 18, 20];
/** The most difficult surfaces that links stand on, from ui/styles/tokens.css. */
const LIGHT_SURFACE: Rgb = [240, 241, 242];
const DARK_SURFACE: Rgb = [38, 41, 45];
/** WCAG 2.2, 1.4.3. */
const TEXT_CONTRAST = 4.5;

/** Shades of any colour that are readable: it is darkened for light surfaces, and lightened for dark ones, as needed. */
export function brandColors(color: string): BrandColors {
  const brand = readHex(color);
  const light = shade(brand, -1, LIGHT_SURFACE);
  const dark = shade(brand, 1, DARK_SURFACE);
  return { light: toHex(light), onLight: toHex(textOn(light)), dark: toHex(dark), onDark: toHex(textOn(dark)) };
}

/** WCAG 2.2's contrast ratio. */
function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((left, right) => left - right);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Changes the lightness until text in the colour is readable on the surface. The hue stays, so that it is still the brand's. */
function shade(color: Rgb, step: 1 | -1, surface: Rgb): Rgb {
  const { hue, saturation, lightness } = toHsl(color);
  for (let percent = lightness; percent >= 0 && percent <= 100; percent += step) {
    const shaded = fromHsl({ hue, saturation, lightness: percent });
    if (contrast(shaded, surface) >= TEXT_CONTRAST) return shaded;
  }
  return step === 1 ? WHITE : INK;
}

interface Hsl {
  /** Degrees. */
  readonly hue: number;
  /** Percent. */
  readonly saturation: number;
  readonly lightness: number;
}

function toHsl(rgb: Rgb): Hsl {
  const [red, green, blue] = rgb.map((channel) => channel / 255) as [number, number, number];
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  const lightness = most - range / 2;
  if (range === 0) return { hue: 0, saturation: 0, lightness: lightness * 100 };
  const saturation = range / (1 - Math.abs(2 * lightness - 1));
  const sixths =
    most === red ? (green - blue) / range : most === green ? 2 + (blue - red) / range : 4 + (red - green) / range;
  return { hue: (sixths * 60 + 360) % 360, saturation: saturation * 100, lightness: lightness * 100 };
}

/** CSS Color 4, section 7.1. */
function fromHsl({ hue, saturation, lightness }: Hsl): Rgb {
  const light = lightness / 100;
  const amplitude = (saturation / 100) * Math.min(light, 1 - light);
  const channel = (offset: number) => {
    const position = (offset + hue / 30) % 12;
    return Math.round(255 * (light - amplitude * Math.max(-1, Math.min(position - 3, 9 - position, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

function textOn(color: Rgb): Rgb {
  return contrast(color, WHITE) >= TEXT_CONTRAST ? WHITE : INK;
}

function readHex(color: string): Rgb {
  const channel = (index: number) => Number.parseInt(color.slice(index, index + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

function toHex(rgb: Rgb): string {
  return `#${rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
