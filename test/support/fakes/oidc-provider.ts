import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface OidcProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

/** `oidc-provider` in a process of its own, with us as its client `usermesh`. */
export async function startOidcProvider(redirectUri: string): Promise<OidcProvider> {
  const program = fileURLToPath(new URL("./start-oidc-provider.ts", import.meta.url));
  const child = fork(program, [redirectUri], { stdio: ["ignore", "pipe", "ignore", "ipc"], execArgv: [] });
  const ended = once(child, "exit");
  const said = child.stdout ? once(child.stdout, "data") : ended;
  const [first] = await Promise.race([said, ended.then(() => [""])]);
  const issuer = String(first).trim();
  if (!issuer.startsWith("http")) throw new Error("The provider did not start");
  return {
    issuer,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

interface Arrival {
  readonly status: number;
  /** Where it ended. */
  readonly url: string;
  readonly text: string;
}

/** A browser of one person: cookies by origin, redirects followed, forms sent as that person would. */
export function createBrowser(login: string) {
  const jars = new Map<string, Map<string, string>>();
  const load = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
  /** Until something is neither a redirect nor a form; `stopAt`: a client's page, which is not there to be loaded. */
  const open = async (start: string, stopAt = "none:"): Promise<Arrival> => {
    let url = start;
    let response = await load(url);
    for (let step = 0; step < 20; step += 1) {
      const location = response.headers.get("location");
      const text = location === null ? await response.text() : "";
      const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
      if (location === null && action === undefined) return { status: response.status, url, text };
      url = new URL(location ?? action ?? "", url).href;
      if (url.startsWith(stopAt)) return { status: response.status, url, text: "" };
      response = await load(url, action === undefined ? {} : { method: "POST", body: filled(text, login) });
    }
    throw new Error(`No end to the redirects at ${url}`);
  };
  return { open };
}

function filled(form: string, login: string): URLSearchParams {
  const fields = new URLSearchParams({ login, password: "x" });
  for (const [, name = "", value = ""] of form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g))
    fields.set(name, value);
  return fields;
}
