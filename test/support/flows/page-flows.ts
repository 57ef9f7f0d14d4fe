import { randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { Webhook } from "standardwebhooks";
import {
  closeViewers,
  faultsOf,
  openSignedIn,
  openViewer,
  press,
  sectionShown,
  titleShown,
  type Viewer,
  type ViewerOptions,
} from "../clients/page-driver.ts";
import { picture } from "../data/avatar-uploads.ts";
import { eventually } from "../eventually.ts";
import type { PageServers } from "../start/page-stage.ts";
import { linkToken, mailTo, newPerson, type Person, type Running, register, signIn } from "./main-flow.ts";

/** Where the flows run: embedded or on a mesh. */
export interface Stage extends Pick<PageServers, "smtp" | "provider" | "receiver"> {
  readonly browser: Browser;
  readonly url: string;
  readonly running: Running;
}

/** A phone and a desktop, dark and light. The two of a pair are the opposite of each other. */
const modes = [
  { width: 390, colorScheme: "dark" },
  { width: 1280, colorScheme: "light" },
  { width: 390, colorScheme: "light" },
  { width: 1280, colorScheme: "dark" },
] as const;

/**
 * What people do on the pages. The flows take turns with sizes and themes. With `isOpposite` each runs in the opposite size
 * and theme, so that the two deployments together show every flow on a phone and on a desktop, in the dark and in the light.
 */
export function describePageFlows(stage: () => Stage, { isOpposite }: { readonly isOpposite: boolean }): void {
  for (const [index, [name, flow]] of Object.entries(flows).entries()) {
    const mode = modes[(index % modes.length) ^ Number(isOpposite)] as (typeof modes)[number];
    test(`${name} (${mode.width} px, ${mode.colorScheme})`, async () => {
      const actors = createActors(stage(), mode);
      await flow(actors);
      expect([await actors.faults(), actors.complaints()]).toEqual([[], []]);
      await closeViewers(stage().browser);
    });
  }
}

interface Actors extends Stage {
  open(path: string, expected?: readonly string[]): Promise<Page>;
  openAs(person: Person, path: string, expected?: readonly string[]): Promise<Page>;
  /** Accessibility of the pages as the flow has left them. */
  faults(): Promise<string[]>;
  complaints(): string[];
}

function createActors(stage: Stage, mode: ViewerOptions): Actors {
  const viewers: Viewer[] = [];
  const keep = (viewer: Viewer) => {
    viewers.push(viewer);
    return viewer.page;
  };
  return {
    ...stage,
    async open(path, expected = []) {
      const viewer = await openViewer(stage.browser, stage.url, { ...mode, expected });
      await viewer.page.goto(stage.url + path);
      return keep(viewer);
    },
    openAs: async (person, path, expected = []) =>
      keep(await openSignedIn(stage.browser, stage.url, person, path, { ...mode, expected })),
    faults: async () => (await Promise.all(viewers.map(({ page }) => faultsOf(page)))).flat(),
    complaints: () => viewers.flatMap(({ complaints }) => complaints),
  };
}

const newName = () => `f-${randomBytes(5).toString("hex")}`;
const confirm = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name }).click();
const seen = (page: Page, text: string) => page.getByText(text, { exact: true }).first().waitFor();

/** The page of a mailed link may ask for the password. */
async function verifyOnPage(page: Page, url: string, token: string, { password }: Person): Promise<void> {
  await page.goto(`${url}/api/v1/auth/verify-email#token=${token}`);
  await press(page, "Verify email address");
  const field = page.getByLabel("Password", { exact: true });
  await field.or(page.getByRole("heading", { name: "Your email address is verified" })).waitFor();
  if (await field.isVisible()) {
    await field.fill(password);
    await press(page, "Verify email address");
  }
  await titleShown(page, "Your email address is verified");
}

/** Parts of expected console messages on the provider's pages: its address, and fonts that are blocked. */
const ofProvider = (issuer: string) => [issuer, "fonts.googleapis.com", "net::ERR_FAILED"];

/** Leaves our page with a button or link, signs in at the provider, and consents there. */
async function throughProvider(page: Page, role: "button" | "link", name: string, email: string): Promise<void> {
  await page.context().route("https://fonts.googleapis.com/**", (route) => route.abort());
  await page.getByRole(role, { name }).click();
  await page.locator("[name=login]").fill(email);
  await page.locator("[name=password]").fill("any password");
  await press(page, "Sign-in");
  await press(page, "Continue");
}

const flows: Readonly<Record<string, (actors: Actors) => Promise<void>>> = {
  "a person registers, and verifies their address": async ({ open, running, url }) => {
    const person = newPerson("flow");
    const page = await open("/register", ["403"]);
    await page.getByLabel("Full name").fill("Ada Lovelace");
    await page.getByLabel("Email address").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await press(page, "Create account");
    await page.waitForURL("**/account");
    await seen(page, "Not verified");
    const token = linkToken(await mailTo(running, person.email, /verify-email/));
    await verifyOnPage(page, url, token, person);
    await page.getByRole("link", { name: "Go to my account" }).click();
    await seen(page, "Verified");
  },

  "a forgotten password is replaced, and the new one signs in": async ({ open, running, url }) => {
    const person = await register(running, newPerson("flow"));
    const page = await open("/login", ["401"]);
    await page.getByLabel("Email or username").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill("Wrong-1-wrong");
    await press(page, "Sign in");
    await seen(page, "The email, username or password is wrong.");
    await page.getByRole("link", { name: "Forgot password?" }).click();
    await page.getByLabel("Email address").fill(person.email);
    await press(page, "Send link");
    await titleShown(page, "Check your inbox");
    const token = linkToken(await mailTo(running, person.email, /reset-password/));
    const password = `${person.password}-Other`;
    await page.goto(`${url}/reset-password#token=${token}`);
    await page.getByLabel("New password").fill(password);
    await press(page, "Change password");
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Email or username").fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await press(page, "Sign in");
    await page.waitForURL("**/account");
    await sectionShown(page);
  },

  "a profile gets a text and a picture, which is removed again": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"));
    const page = await openAs(person, "/account");
    await page.getByLabel("Company").fill("Analytical Engines");
    await page.getByRole("button", { name: "Save changes" }).first().click();
    await seen(page, "Saved");
    const buffer = await picture(640, 480).png().toBuffer();
    await page.locator("input[type=file]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer });
    await page.locator("canvas").focus();
    await page.keyboard.press("ArrowLeft");
    await press(page, "Use this picture");
    const shown = page.locator(".avatar-row img.avatar");
    await shown.waitFor();
    await eventually("the picture", () => shown.evaluate((image: { naturalWidth?: number }) => image.naturalWidth));
    await press(page, "Remove");
    await shown.waitFor({ state: "detached" });
    const { access } = await signIn(running, person);
    const { company, avatar_url } = (await running.api.get("users/me", access)).body.data;
    expect([company, avatar_url]).toEqual(["Analytical Engines", null]);
  },

  "an address is changed with the link in its mail": async ({ openAs, running, url }) => {
    const person = await register(running, newPerson("flow"));
    const next = newPerson("next").email;
    const page = await openAs(person, "/account", ["403"]);
    await press(page, "Change address");
    await page.getByLabel("New email address").fill(next);
    await page.getByLabel("Current password").fill(person.password);
    await confirm(page, "Change address");
    await seen(page, "Check your inbox for the link");
    await verifyOnPage(page, url, linkToken(await mailTo(running, next, /verify-email/)), person);
    expect((await signIn(running, { ...person, email: next })).access).not.toBe("");
  },

  "a changed password, and a sign-out of the others, end the sessions elsewhere at once": async (actors) => {
    const { openAs, running } = actors;
    const person = await register(running, newPerson("flow"));
    const elsewhere = await openAs(person, "/account");
    const page = await openAs(person, "/account/security");
    const password = `${person.password}-Other`;
    await page.getByLabel("Current password").fill(person.password);
    await page.getByLabel("New password").fill(password);
    await press(page, "Change password");
    await seen(page, "Password changed");
    await elsewhere.waitForURL("**/login?**reason=session_ended**");
    const { access } = await signIn(running, { ...person, password });
    await page.reload();
    await press(page, "Sign out all others");
    await seen(page, "Signed out everywhere else");
    expect((await running.api.get("users/me", access)).status).toBe(401);
  },

  "preferences that were changed elsewhere meanwhile are not overwritten": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"));
    const page = await openAs(person, "/account/preferences", ["412"]);
    await page.locator("[name=timezone]").selectOption("Europe/Paris");
    const { access } = await signIn(running, person);
    const stored = async () => (await running.api.get("users/me/preferences", access)).body.data;
    expect((await running.api.patch("users/me/preferences", { language: "fr" }, access)).status).toBe(200);
    await press(page, "Save changes");
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    expect(await stored()).toMatchObject({ language: "fr", timezone: null });
    await press(page, "Load the current version");
    await seen(page, "This is the current version");
    expect(await page.locator("[name=language]").inputValue()).toBe("fr");
    await page.locator("[name=timezone]").selectOption("Europe/Paris");
    await press(page, "Save changes");
    await seen(page, "Saved");
    expect(await stored()).toMatchObject({ language: "fr", timezone: "Europe/Paris" });
  },

  "a provider is linked, signs in, and is unlinked again": async ({ open, openAs, running, provider }) => {
    const [person, { email }] = [await register(running, newPerson("flow")), newPerson("provider")];
    const page = await openAs(person, "/account/security", ofProvider(provider.issuer));
    await throughProvider(page, "button", "Link Company", email);
    await seen(page, "Account linked");
    const elsewhere = await open("/login", [...ofProvider(provider.issuer), "401"]);
    await throughProvider(elsewhere, "link", "Continue with Company", email);
    await elsewhere.waitForURL("**/account");
    await elsewhere.getByText(person.email).first().waitFor({ state: "attached" });
    await press(page, "Unlink Company");
    await seen(page, "Not linked");
  },

  "people take their data with them, and delete their account": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"));
    const page = await openAs(person, "/account/data");
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download" }).click();
    const exported = await (await download).createReadStream();
    expect(Buffer.concat(await exported.toArray()).toString()).toContain(person.email);
    await press(page, "Delete account");
    await page.getByLabel("Current password").fill(person.password);
    await confirm(page, "Delete account");
    await page.waitForURL("**/login?reason=deleted");
    await seen(page, "Your account has been deleted.");
    expect((await running.api.post("auth/login", person)).status).toBeGreaterThanOrEqual(400);
  },

  "a role opens to its holder what it permits, and nothing else": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"), { full_name: "Grace Hopper" });
    const role = newName();
    const console = await openAs(running.admin, "/admin/roles", ["401"]);
    await press(console, "Create role");
    await console.getByLabel("Name").fill(role);
    await console.getByLabel("See webhooks and their messages").check();
    await press(console, "Save changes");
    await console.getByRole("heading", { name: role }).waitFor();
    await console.goto(`${new URL(console.url()).origin}/admin/accounts/${person.id}`);
    await console.getByLabel(role, { exact: true }).check();
    await press(console, "Save roles");
    await seen(console, "Saved");
    const own = await openAs(person, "/admin");
    await own.getByRole("link", { name: "Webhooks" }).click();
    await titleShown(own, "Webhooks");
    await own.locator(".skeleton").first().waitFor({ state: "detached" });
    expect(await own.getByRole("button", { name: "Add webhook" }).count()).toBe(0);
    expect(await own.getByRole("link", { name: "Accounts" }).count()).toBe(0);
  },

  "a tenant is created and gets a logo, which its sign-in page shows": async ({ openAs, open, running }) => {
    const slug = newName();
    const page = await openAs(running.admin, "/admin/tenants", ["401"]);
    await press(page, "Create tenant");
    await page.getByLabel("Name", { exact: true }).fill(slug.toUpperCase());
    await page.getByLabel("Short name").fill(slug);
    await page.getByLabel("Email of the first administrator").fill(newPerson("flow").email);
    await confirm(page, "Create tenant");
    await titleShown(page, slug.toUpperCase());
    const buffer = await picture(200, 100).jpeg().toBuffer();
    await page.locator("input[type=file]").setInputFiles({ name: "l.jpg", mimeType: "image/jpeg", buffer });
    await seen(page, "Logo changed");
    const signInPage = await open(`/login?tenant=${slug}`);
    const mark = signInPage.locator(`img.brand-mark[src*="/brand/${slug}-"]`);
    await mark.waitFor();
    await eventually("the logo", () => mark.evaluate((image: { naturalWidth?: number }) => image.naturalWidth === 256));
  },

  "a deleted account is restored, and its owner can sign in again": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"), { full_name: "Hedy Lamarr" });
    const page = await openAs(running.admin, `/admin/accounts/${person.id}`, ["401"]);
    await press(page, "Delete");
    await confirm(page, "Delete");
    await seen(page, "This account is deleted");
    expect((await running.api.post("auth/login", person)).status).toBeGreaterThanOrEqual(400);
    await press(page, "Restore");
    await confirm(page, "Restore");
    await seen(page, "Account restored");
    expect((await signIn(running, person)).access).not.toBe("");
  },

  "of two refused mails, one is retried and arrives, and the other is deleted": async ({ openAs, running, smtp }) => {
    smtp.refuses = true;
    const page = await openAs(running.admin, "/admin/queues", ["401"]);
    const retried = await register(running, newPerson("retried"));
    const deleted = await register(running, newPerson("deleted"));
    const letterOf = ({ id }: { id: string }) => page.locator(".letter").filter({ hasText: id });
    await Promise.all([letterOf(retried).waitFor(), letterOf(deleted).waitFor()]);
    smtp.refuses = false;
    await letterOf(deleted).getByRole("button", { name: "Delete" }).click();
    await confirm(page, "Delete");
    await letterOf(deleted).waitFor({ state: "detached" });
    await letterOf(retried).getByRole("button", { name: "Retry" }).click();
    await letterOf(retried).waitFor({ state: "detached" });
    await mailTo(running, retried.email, /verify-email/);
    expect(smtp.taken).not.toContain(deleted.email);
  },

  "a webhook is created, and its receiver verifies the test message with the secret": async (actors) => {
    const { openAs, running, receiver } = actors;
    const name = newName();
    const page = await openAs(running.admin, "/admin/webhooks", ["401"]);
    await press(page, "Add webhook");
    await page.getByLabel("URL").fill(`${receiver.url}/${name}`);
    await page.getByRole("dialog").getByLabel("Name").fill(name);
    await confirm(page, "Add webhook");
    const secret = await page.getByLabel("Signing secret").and(page.locator("input")).inputValue();
    await press(page, "I have stored it");
    await titleShown(page, name);
    await press(page, "Send a test");
    await confirm(page, "Send a test");
    await page.getByRole("listitem").filter({ hasText: "Test message" }).getByText("Delivered").waitFor();
    const [message] = receiver.received.filter(({ path }) => path === `/${name}`);
    const headers = message?.headers as Record<string, string>;
    expect(new Webhook(secret).verify(message?.text ?? "", headers)).toMatchObject({ type: "webhook.test" });
  },

  "the signing key is replaced, and nobody is signed out": async ({ openAs, running }) => {
    const person = await register(running, newPerson("flow"));
    const { access } = await signIn(running, person);
    const page = await openAs(running.admin, "/admin/keys", ["401"]);
    await press(page, "Rotate now");
    await confirm(page, "Rotate now");
    await page.getByText(/^The new key signs from/).waitFor();
    expect((await running.api.get("users/me", access)).status).toBe(200);
  },

  "the activity of one account is found from its page": async ({ openAs, running }) => {
    const { id } = await register(running, newPerson("flow"), { full_name: "Mary Shelley" });
    const page = await openAs(running.admin, `/admin/accounts/${id}`, ["401"]);
    await page.getByLabel("Company").fill("Frankenstein");
    await press(page, "Save changes");
    await seen(page, "Saved");
    await page.getByRole("link", { name: "Show all" }).click();
    await titleShown(page, "Activity");
    await page.locator("summary").filter({ hasText: "Account changed" }).first().waitFor();
    await page.getByLabel("Account", { exact: true }).selectOption({ label: "By Mary Shelley" });
    await page.locator("summary").filter({ hasText: "Account changed" }).first().waitFor({ state: "detached" });
    await press(page, "Show the activity of everybody");
    await page.locator("summary").filter({ hasText: "Signed in" }).first().waitFor();
  },
};
