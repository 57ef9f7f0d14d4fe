import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTransport } from "nodemailer";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import {
  faultsInAllModes,
  measureLoad,
  openSignedIn,
  openViewer,
  type Viewer,
} from "../../support/clients/page-driver.ts";
import { picture } from "../../support/data/avatar-uploads.ts";
import { eventually } from "../../support/eventually.ts";
import { startPathProxy } from "../../support/fakes/path-proxy.ts";
import { linkToken, mailTo, newPerson, type Person, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();
const MAX_FIRST_LOAD = 120_000;

/** Everything is published below a path by a proxy that cuts it off. */
(executable === undefined ? describe.skip : describe)("the pages in a browser, below a path", () => {
  let proxy: Awaited<ReturnType<typeof startPathProxy>>;
  let usermesh: Usermesh;
  let browser: Browser;
  beforeAll(async () => {
    proxy = await startPathProxy("/auth");
    usermesh = await startUsermesh({
      PUBLIC_URL: proxy.url,
      RATE_LIMIT_ENABLED: "true",
      OAUTH_GOOGLE_CLIENT_ID: "client",
      OAUTH_GOOGLE_CLIENT_SECRET: "secret",
    });
    proxy.sendTo(usermesh.url);
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
    proxy?.stop();
  });

  async function open(path: string, options: Parameters<typeof openViewer>[2] = {}): Promise<Viewer> {
    const viewer = await openViewer(browser, new URL(proxy.url).origin, options);
    await viewer.page.goto(proxy.url + path);
    return viewer;
  }

  const title = (page: Page, name: string) => page.getByRole("heading", { name }).waitFor();

  async function typeCredentials(page: Page, person: Person): Promise<void> {
    await page.locator("[name=login]").waitFor();
    await page.keyboard.type(person.email);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type(person.password);
    await page.keyboard.press("Enter");
  }

  async function openAccount(path = "/account", expected: readonly string[] = []) {
    const person = await register(usermesh);
    const viewer = await open(`/login?return_to=${encodeURIComponent(`/auth${path}`)}`, { expected });
    await typeCredentials(viewer.page, person);
    await viewer.page.waitForURL(`**/auth${path}`);
    return { ...viewer, person };
  }

  test("the button verifies the address, after a reload too; opening the link does not, and a second opening says so", async () => {
    const person = await register(usermesh);
    const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    const expected = ["400", "403"];
    const { page, complaints } = await open("/login", { expected });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url(), JSON.stringify(request.headers())));
    const address = `${proxy.url}/api/v1/auth/verify-email`;
    await page.goto(`${address}#token=${token}`);
    const button = page.getByRole("button", { name: "Verify email address" });
    await button.waitFor();
    expect([page.url(), asked.filter((text) => text.includes(token))]).toEqual([address, []]);
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.get("users/me", access)).body.data.is_verified).toBe(false);
    await page.reload();
    await button.click();
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await button.click();
    await title(page, "Your email address is verified");
    expect((await usermesh.api.get("users/me", access)).body.data.is_verified).toBe(true);
    await page.goto(`${address}#token=${token}`);
    await button.click();
    await title(page, "Your email address is already verified");
    expect(complaints).toEqual([]);
  });

  test("a used link says that the address is verified to a browser that is signed in, and to another one that it is not valid", async () => {
    const person = await register(usermesh);
    const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.post("auth/verify-email", { token }, access)).status).toBe(200);
    const path = `/api/v1/auth/verify-email#token=${token}`;
    const signedIn = await openSignedIn(browser, proxy.url, person, path, { expected: ["400"] });
    await signedIn.page.getByRole("button", { name: "Verify email address" }).click();
    await title(signedIn.page, "Your email address is already verified");
    const stranger = await open(path, { expected: ["400"] });
    await stranger.page.getByRole("button", { name: "Verify email address" }).click();
    await title(stranger.page, "This link is no longer valid");
    expect([signedIn.complaints, stranger.complaints]).toEqual([[], []]);
  });

  test("the owner of the mailbox who did not register sets a new password", async () => {
    const stranger = await register(usermesh);
    const token = linkToken(await mailTo(usermesh, stranger.email, /verify-email/));
    const { page } = await open(`/api/v1/auth/verify-email?token=${token}`);
    const button = page.getByRole("button", { name: "Verify email address" });
    await button.click();
    const { password } = newPerson();
    await page.getByRole("button", { name: "I did not create this account" }).click();
    await page.getByLabel("New password", { exact: true }).fill(password);
    await button.click();
    await page.getByRole("heading", { name: "Your email address is verified" }).waitFor();
    expect((await signIn(usermesh, { ...stranger, password })).access).not.toBe("");
    expect((await usermesh.api.post("auth/login", { email: stranger.email, password: stranger.password })).status).toBe(
      401,
    );
  });

  test("a link that is not valid says so, and where to go on", async () => {
    const { page } = await open("/api/v1/auth/verify-email?token=used");
    await page.getByRole("button", { name: "Verify email address" }).click();
    await title(page, "This link is no longer valid");
    expect(await page.getByRole("link", { name: "Sign in" }).getAttribute("href")).toBe("/auth/login");
  });

  test("a password can be reset with the keyboard alone, after a reload too", async () => {
    const person = await register(usermesh);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password/));
    const { page, complaints } = await open(`/reset-password#token=${token}`, { expected: ["422"] });
    await page.reload();
    await page.getByText("At least 8 characters").waitFor();
    await page.keyboard.type("weak");
    await page.keyboard.press("Enter");
    await page.locator("#new_password-error").waitFor();
    expect(await page.locator("[name=new_password]").getAttribute("aria-invalid")).toBe("true");
    const password = `${newPerson().password}-Other`;
    await page.locator("[name=new_password]").fill(password);
    await page.keyboard.press("Enter");
    await title(page, "Your password has been changed");
    expect((await signIn(usermesh, { ...person, password })).access).not.toBe("");
    expect(complaints).toEqual([]);
  });

  test("a person registers and lands on their account, signed in by HttpOnly cookies", async () => {
    const { email, password } = newPerson();
    const { page, context, complaints } = await open("/register");
    await page.locator("[name=full_name]").fill("Ada Lovelace");
    await page.locator("[name=email]").fill(email);
    await page.locator("[name=password]").fill(password);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/auth/account");
    await page.getByText(email).first().waitFor();
    const cookies = await context.cookies();
    expect(cookies.filter((one) => one.name.includes("token") && !one.httpOnly).map((one) => one.name)).toEqual([
      "csrf_token",
    ]);
    expect(complaints).toEqual([]);
  });

  test("sign-in works with the keyboard alone, shows what is wrong, and never leads to another site", async () => {
    const person = await register(usermesh);
    const { page, complaints } = await open("/login?return_to=https://evil.example.com", { expected: ["401"] });
    await typeCredentials(page, { ...person, password: "wrong" });
    await page.getByRole("alert").getByText("The email, username or password is wrong.").waitFor();
    await page.locator("[name=password]").fill(person.password);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/auth/account");
    expect(complaints).toEqual([]);
  });

  test("the account is changed, and a session that ends elsewhere is noticed at once", async () => {
    const { page, complaints, person } = await openAccount();
    await page.locator("[name=full_name]").fill("Grace Hopper");
    await page.getByRole("button", { name: "Save changes" }).first().click();
    await page.locator(".sidebar-name").getByText("Grace Hopper").waitFor();
    const { access } = await signIn(usermesh, person);
    await usermesh.api.post("auth/logout-all", {}, access);
    await page.waitForURL("**/auth/login?**reason=session_ended");
    expect(complaints).toEqual([]);
  });

  test("a profile that was changed elsewhere meanwhile is not overwritten, and its newer values are shown", async () => {
    const { page, complaints, person } = await openAccount("/account", ["412"]);
    const { access } = await signIn(usermesh, person);
    const stored = async (path: string) => (await usermesh.api.get(path, access)).body.data;
    for (const [path, field, mine, theirs] of [
      ["users/me", "company", "Mine", "Theirs"],
      ["users/me/profile", "headline", "My headline", "Their headline"],
    ] as const) {
      const form = page.locator("form").filter({ has: page.locator(`[name=${field}]`) });
      await form.locator(`[name=${field}]`).fill(mine);
      expect((await usermesh.api.patch(path, { [field]: theirs }, access)).status).toBe(200);
      await form.getByRole("button", { name: "Save changes" }).click();
      await form.getByText("It was changed elsewhere since you opened it").waitFor();
      expect((await stored(path))[field]).toBe(theirs);
      const faults = await faultsInAllModes(page);
      await form.getByRole("button", { name: "Load the current version" }).click();
      await form.getByText("It was changed elsewhere").waitFor({ state: "detached" });
      expect(await form.locator(`[name=${field}]`).inputValue()).toBe(theirs);
      await form.locator(`[name=${field}]`).fill(mine);
      await form.getByRole("button", { name: "Save changes" }).click();
      await eventually("the change", async () => (await stored(path))[field] === mine);
      expect(faults).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });

  test("a change in another tab appears, but not over what is being typed", async () => {
    const { page, context, complaints, person } = await openAccount("/account", ["412"]);
    const other = await context.newPage();
    await other.goto(`${proxy.url}/account`);
    await other.locator("[name=company]").fill("Elsewhere");
    await other.getByRole("button", { name: "Save changes" }).first().click();
    const value = (name: string) => page.locator(`[name=${name}]`).inputValue();
    await eventually("the new value", async () => (await value("company")) === "Elsewhere");
    await page.locator("[name=location]").fill("London");
    await other.locator("[name=company]").fill("Nowhere");
    await other.getByRole("button", { name: "Save changes" }).first().click();
    await eventually("the second value", async () => {
      const { access } = await signIn(usermesh, person);
      return (await usermesh.api.get("users/me", access)).body.data.company === "Nowhere";
    });
    await page.getByRole("button", { name: "Save changes" }).first().click();
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    expect([await value("company"), await value("location"), complaints]).toEqual(["Elsewhere", "London", []]);
  });

  test("a changed picture does not make the text of a profile outdated", async () => {
    const { page, complaints } = await openAccount();
    await page.locator("[name=company]").fill("Analytical Engines");
    const buffer = await picture(64, 64).png().toBuffer();
    await page.locator("input[type=file]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer });
    await page.getByRole("button", { name: "Use this picture" }).click();
    await page.locator(".avatar-row img.avatar").waitFor();
    await page.getByRole("button", { name: "Save changes" }).first().click();
    await page.getByText("Saved", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("pages of signing in have no accessibility faults in any mode", async () => {
    const { page, complaints } = await open("/", { expected: ["404"] });
    const faults: string[] = [];
    for (const path of [
      "/",
      "/nothing",
      "/login",
      "/login?reason=session_ended",
      "/register",
      "/forgot-password",
      "/reset-password",
      "/reset-password#token=x",
      "/api/v1/auth/verify-email#token=x",
    ]) {
      await page.goto(proxy.url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      faults.push(...(await faultsInAllModes(page)));
    }
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("the account pages and their dialogs have no accessibility faults in any mode", async () => {
    const { page, complaints } = await openAccount();
    const faults: string[] = [];
    for (const section of ["", "/security", "/preferences", "/activity", "/data"]) {
      await page.goto(`${proxy.url}/account${section}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.locator(".skeleton").first().waitFor({ state: "detached" });
      faults.push(...(await faultsInAllModes(page)));
    }
    await page.getByRole("button", { name: "Delete account" }).click();
    await page.getByRole("dialog").waitFor();
    faults.push(...(await faultsInAllModes(page)));
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("the mailbox shows a mail as its reader sees it, refreshes itself, filters, and is emptied", async () => {
    const { page, context, complaints } = await open("/dev/mail");
    const before = usermesh.mails().length;
    const person = await register(usermesh);
    const row = page.getByRole("button", { name: person.email });
    await row.click();
    const mail = page.frameLocator("iframe");
    const opened = context.waitForEvent("page");
    await mail.getByRole("link", { name: "Confirm email address" }).click();
    const linked = await opened;
    await linked.getByRole("button", { name: "Verify email address" }).waitFor();
    expect(linked.url()).toBe(`${proxy.url}/api/v1/auth/verify-email`);
    await page.getByRole("button", { name: "Text", exact: true }).click();
    await page.getByRole("link", { name: /#token=/ }).waitFor();
    await page.getByRole("searchbox").fill(`${person.email} CONFIRM`);
    await page.getByText(`1 of ${before + 1}`).waitFor();
    await page.getByRole("searchbox").fill("nobody");
    await page.getByText("No mail matches").waitFor();
    await page.getByRole("button", { name: "Empty" }).click();
    await page.getByText("No mail yet").waitFor();
    expect(complaints).toEqual([]);
  });

  test("mails cannot run scripts or load anything, whatever their HTML is", async () => {
    const loaded: string[] = [];
    const elsewhere = createServer((request, response) => {
      loaded.push(request.url ?? "");
      response.end();
    });
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const server = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const { page, complaints } = await open("/dev/mail", { expected: ["Blocked script", "violates", server] });
    const html = `<img src="http://${server}/x.png"><script>top.document.title = "owned"</script><p onclick="x">Evil</p>`;
    const { host, port } = usermesh.platform.config.mail;
    const smtp = createTransport({ host: host ?? "", port });
    await smtp.sendMail({ from: "eve@example.com", to: "ada@example.com", subject: "Evil", html });
    await page.getByRole("button", { name: /^Evil/ }).click();
    await page.frameLocator("iframe").getByText("Evil").waitFor();
    expect([await page.title(), loaded, complaints]).toEqual([expect.stringMatching(/^Mails \(/), [], []]);
    elsewhere.close();
  });

  test("the mailbox and the samples of mails have no accessibility faults in any mode", async () => {
    const person = await register(usermesh);
    await mailTo(usermesh, person.email, /verify-email/);
    const { page, complaints } = await open("/dev/mail");
    const faults: string[] = [];
    await page.locator(".mails-row").first().waitFor();
    faults.push(...(await faultsInAllModes(page)));
    await page.locator(".mails-row").first().click();
    for (const part of ["HTML", "Headers"]) {
      await page.getByRole("button", { name: part, exact: true }).click();
      faults.push(...(await faultsInAllModes(page)));
    }
    await page.goto(`${proxy.url}/dev/mail/samples`);
    await page.frameLocator("iframe").first().getByText("Confirm your email address").first().waitFor();
    faults.push(...(await faultsInAllModes(page)));
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("a page is there in French", async () => {
    const { page } = await open("/login", { locale: "fr" });
    await title(page, "Se connecter");
    expect(await page.evaluate("document.documentElement.lang")).toBe("fr");
  });

  test("mails are in the language of the page that causes them", async () => {
    const person = await register(usermesh);
    const { page } = await open("/forgot-password?lang=fr", { locale: "en" });
    await page.locator("[name=email]").fill(person.email);
    await page.keyboard.press("Enter");
    await mailTo(usermesh, person.email, /Réinitialisez votre mot de passe/);
  });

  test.each(["/login", "/register"])("%s loads at most 120 kB", async (path) => {
    const { page } = await openViewer(browser, new URL(proxy.url).origin);
    expect(await measureLoad(page, proxy.url + path)).toBeLessThan(MAX_FIRST_LOAD);
  });

  test.each([
    ["/redoc", "Create an account"],
    ["/docs", "Create an account"],
  ])("%s shows the document without requests to other servers", async (path, text) => {
    const { page, complaints } = await open(path);
    await page.getByText(text).locator("visible=true").first().waitFor({ timeout: 30_000 });
    // The logo of ReDoc's makers is the one thing it would fetch from elsewhere, and the policy of the page forbids it.
    expect(complaints.filter((line) => !line.includes("logo-mini.svg"))).toEqual([]);
  });
});
