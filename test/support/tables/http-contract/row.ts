import sharp from "sharp";
import type { RequestOptions } from "../../clients/api-client.ts";
import type { Running } from "../../flows/main-flow.ts";

/** Whose token a request carries. */
export type As = "nobody" | "person" | "vendor";

/** Who calls what, what comes back, and what is sent or named in the path. */
export type Row = readonly [as: As, route: `${string} /${string}`, status: number, sent?: () => Sent | Promise<Sent>];

export interface Sent extends Pick<RequestOptions, "body" | "raw"> {
  /** For the places of the path in their order. */
  readonly path?: readonly string[];
  readonly query?: string;
}

/** The person of the requests that come next, and his latest tokens. */
export interface Actor {
  email: string;
  password: string;
  id: string;
  access: string;
  refresh: string;
  session: string;
}

export interface Context {
  readonly actor: Actor;
  running(): Running;
  /** Somebody new from here on. */
  become(): Promise<void>;
  /** A new session of the same. */
  again(): Promise<void>;
}

export async function pictureForm(): Promise<{ raw: FormData }> {
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: "#456" } })
    .png()
    .toBuffer();
  const raw = new FormData();
  raw.append("file", new Blob([new Uint8Array(png)], { type: "image/png" }), "me.png");
  return { raw };
}
