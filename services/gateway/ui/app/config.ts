export interface PageConfig {
  /** Path under which everything is served: "" or "/auth". */
  readonly base: string;
  /** Origin of PUBLIC_URL. */
  readonly origin: string;
  /** The brand of the tenant, or else of the installation. */
  readonly brand: { readonly name: string; readonly logo: string };
  readonly language: string;
  readonly languages: readonly string[];
  /** URLs of the modules with this page's messages. */
  readonly messages: readonly string[];
  readonly page: string;
  readonly providers: readonly string[];
  readonly passwordPolicy: "classic" | "length" | "nist";
  /** Deleted accounts are kept until someone asks for their erasure. */
  readonly keepsDeleted: boolean;
  /** URLs of other origins that a sign-in may return to. */
  readonly returnUrls: readonly string[];
}

/** What the server wrote into the document. */
export const config: PageConfig = JSON.parse(document.getElementById("page-config")?.textContent ?? "{}");

/** The URL of one of our paths, such as `/login`. */
export function pathTo(path: string): string {
  return config.base + path;
}
