import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import {
  closeViewers,
  faultsInAllModes,
  measureLoad,
  openSignedIn,
  type openViewer,
  press,
  sectionShown,
  tabTo,
  titleShown,
} from "../../support/clients/page-driver.ts";
import { eventually } from "../../support/eventually.ts";
import { type RefusingSmtp, startRefusingSmtp } from "../../support/fakes/refusing-smtp.ts";
import { newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();
const MAX_FIRST_LOAD = 120_000;

(executable === undefined ? describe.skip : describe)("the admin console in a browser", () => {
  let usermesh: Usermesh;
  let browser: Browser;
  let smtp: RefusingSmtp;
  beforeAll(async () => {
    smtp = await startRefusingSmtp();
    smtp.refuses = false;
    usermesh = await startUsermesh({ ...smtp.env, RATE_LIMIT_ENABLED: "true" });
    browser = await launchChromium(executable as string);
  });
  afterEach(() => closeViewers(browser));
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
    await smtp?.stop();
  });

  const openAsAdmin = (path: string, options?: Parameters<typeof openViewer>[2]) =>
    openSignedIn(browser, usermesh.url, usermesh.admin, path, options);

  test("an account is found by its name, disabled with the keyboard alone, and enabled again", async () => {
    const person = newPerson("zora");
    const { id } = await register(usermesh, person, { full_name: "Zora Neale" });
    const { access } = await signIn(usermesh, person);
    const { page, complaints } = await openAsAdmin("/admin/accounts");
    await page.getByLabel("Search by name, username or email").fill("zora neale");
    await page.getByText("1 account", { exact: true }).waitFor();
    await tabTo(page, "link", "Zora Neale");
    await page.keyboard.press("Enter");
    await titleShown(page, "Zora Neale");
    await tabTo(page, "button", "Disable");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("Asked for it");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Enable" }).waitFor();
    expect((await usermesh.api.get("users/me", access)).status).toBe(401);
    await press(page, "Enable");
    await page.getByRole("dialog").getByRole("button", { name: "Enable" }).click();
    await page.getByRole("button", { name: "Disable" }).waitFor();
    expect((await signIn(usermesh, person)).access).not.toBe("");
    expect(page.url()).toContain(`/admin/accounts/${id}`);
    expect(complaints).toEqual([]);
  });

  test("every section, one account and the dialogs have no accessibility faults in any mode", async () => {
    const { id } = await register(usermesh, newPerson("carmen"), { full_name: "Carmen Vargas" });
    const { page, complaints } = await openAsAdmin("/admin");
    const faults: string[] = [];
    for (const path of [
      "/admin",
      "/admin/accounts",
      "/admin/accounts?q=nobody-has-this-name",
      `/admin/accounts/${id}`,
      "/admin/roles",
      "/admin/activity",
      "/admin/erasures",
      "/admin/tenants",
      "/admin/tenants/00000000-0000-7000-8000-000000000001",
      "/admin/keys",
      "/admin/nothing",
      "/mesh",
    ]) {
      await page.goto(usermesh.url + path);
      await sectionShown(page);
      faults.push(...(await faultsInAllModes(page)));
    }
    for (const [path, name] of [
      [`accounts/${id}`, "Disable"],
      [`accounts/${id}`, "Delete"],
      ["accounts", "Add account"],
      [`accounts/${id}`, "Send a link"],
      [`accounts/${id}`, "Give premium"],
      ["roles", "Create role"],
      ["tenants", "Create tenant"],
    ] as const) {
      await page.goto(`${usermesh.url}/admin/${path}`);
      await press(page, name);
      await page.getByRole("dialog").waitFor();
      faults.push(...(await faultsInAllModes(page)));
    }
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("a dead letter is looked at and retried with the keyboard alone", async () => {
    smtp.refuses = true;
    const person = await register(usermesh, newPerson("letter"));
    await eventually("its dead letter", async () => (await usermesh.platform.queues.counts("mail")).failed === 1);
    smtp.refuses = false;
    const { page, complaints } = await openAsAdmin("/admin/queues");
    await page.getByText("1 dead", { exact: true }).waitFor();
    const faults = await faultsInAllModes(page);
    await page.locator(".letter summary").focus();
    await page.keyboard.press("Enter");
    await page.locator(".letter pre").getByText(person.id).waitFor();
    await tabTo(page, "button", "Retry");
    await page.keyboard.press("Enter");
    await page.getByText("No dead letters").waitFor();
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("a role is created, given to an account and found in the log; a tenant is created and worked in", async () => {
    const { id } = await register(usermesh, newPerson("grace"), { full_name: "Grace Hopper" });
    const { page, complaints } = await openAsAdmin("/admin/roles", { expected: ["401"] });
    await press(page, "Create role");
    await page.getByLabel("Name").fill("support");
    await page.getByLabel("See accounts").check();
    await press(page, "Save changes");
    await page.getByRole("heading", { name: "support" }).waitFor();
    await page.goto(`${usermesh.url}/admin/accounts/${id}`);
    await page.getByLabel("support", { exact: true }).check();
    await press(page, "Save roles");
    await page.getByText("Saved", { exact: true }).waitFor();
    await page.goto(`${usermesh.url}/admin/activity?action=role.changed`);
    await page.getByText("Grace Hopper").first().waitFor();
    await page.goto(`${usermesh.url}/admin/tenants`);
    await press(page, "Create tenant");
    await page.getByLabel("Name", { exact: true }).fill("Acme");
    await page.getByLabel("Short name").fill("acme");
    await page.getByLabel("Email of the first administrator").fill("wile@example.com");
    await page.getByRole("dialog").getByRole("button", { name: "Create tenant" }).click();
    await titleShown(page, "Acme");
    await page.getByLabel("Most accounts").fill("5");
    await press(page, "Save changes");
    await page.getByText("Saved", { exact: true }).waitFor();
    await press(page, "Work in this tenant");
    await page.getByText("wile@example.com").first().waitFor();
    await page.getByRole("complementary").getByText("Acme").waitFor();
    await press(page, "Return to your own tenant");
    await page.getByText("Grace Hopper").waitFor();
    expect(complaints).toEqual([]);
  });

  test("the mesh view shows who calls whom, and the journey of a request to its mail", async () => {
    const { page, complaints } = await openAsAdmin("/mesh");
    await sectionShown(page);
    const person = await register(usermesh, newPerson("journey"));
    await signIn(usermesh, person);
    const calls = page.getByRole("table", { name: "Calls between services" });
    await calls.getByRole("row", { name: /^auth → users/ }).waitFor();
    await page.getByText("POST auth/register").click();
    const dialog = page.getByRole("dialog");
    for (const step of ["auth.register", "users.create", "user.created", "mail.send"]) {
      await eventually(step, async () => {
        if ((await dialog.getByText(step, { exact: true }).count()) > 0) return true;
        await dialog.getByRole("button", { name: "Look again" }).click();
        return false;
      });
    }
    expect([await faultsInAllModes(page), complaints]).toEqual([[], []]);
  });

  test("a user without a role sees that they have no access, in their language", async () => {
    const person = await register(usermesh);
    const { page, complaints } = await openSignedIn(browser, usermesh.url, person, "/admin", { locale: "fr" });
    await page.getByText("Vous n’avez pas accès à l’administration").waitFor();
    expect(await page.getByRole("link", { name: "Comptes" }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test.each(["/admin", "/admin/accounts", "/admin/webhooks", "/account"])("%s loads at most 120 kB", async (path) => {
    const { page } = await openAsAdmin("/favicon.svg");
    expect(await measureLoad(page, usermesh.url + path)).toBeLessThan(MAX_FIRST_LOAD);
  });
});
