import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import {
  closeViewers,
  faultsInAllModes,
  openSignedIn,
  type openViewer,
  press,
  sectionShown,
  tabTo,
  titleShown,
} from "../../support/clients/page-driver.ts";
import { picture } from "../../support/data/avatar-uploads.ts";
import { eventually } from "../../support/eventually.ts";
import { erased } from "../../support/flows/data-rights.ts";
import { mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();

(executable === undefined ? describe.skip : describe)("changes in the admin console", () => {
  let usermesh: Usermesh;
  let browser: Browser;
  beforeAll(async () => {
    usermesh = await startUsermesh({ RATE_LIMIT_ENABLED: "true" });
    browser = await launchChromium(executable as string);
  });
  afterEach(() => closeViewers(browser));
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
  });

  const openAsAdmin = (path: string, options?: Parameters<typeof openViewer>[2]) =>
    openSignedIn(browser, usermesh.url, usermesh.admin, path, options);
  const saved = (page: Page) => page.getByText("Saved", { exact: true }).first().waitFor();
  /** With a new token each time: a changed role makes earlier ones stale. */
  async function asAdmin(method: string, path: string, body?: object) {
    const { access: token } = await signIn(usermesh, usermesh.admin);
    const answer = await usermesh.api.request(method, path, { token, ...(body && { body }) });
    expect(answer.status).toBeLessThan(300);
    return answer.body.data;
  }
  const change = (path: string, body: object) => asAdmin("PATCH", path, body);
  const read = (path: string) => asAdmin("GET", path);
  const createRole = (name: string) => asAdmin("POST", "admin/roles", { name, permissions: [] });

  async function createTenant(slug: string): Promise<string> {
    const body = { slug, name: slug.toUpperCase(), admin_email: `admin@${slug}.example.com` };
    return (await asAdmin("POST", "admin/tenants", body)).id;
  }

  test("an account is added with a role, invited, and sent another link", async () => {
    await createRole("editor");
    const { page, complaints } = await openAsAdmin("/admin/accounts");
    const { email } = newPerson("katherine");
    await press(page, "Add account");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Email address").fill(email);
    await dialog.getByLabel("Full name").fill("Katherine Johnson");
    await dialog.getByLabel("editor").check();
    await dialog.getByLabel("The address is verified").check();
    await dialog.getByRole("button", { name: "Add account" }).click();
    await titleShown(page, "Katherine Johnson");
    const id = page.url().split("/").at(-1);
    expect(await read(`admin/users/${id}`)).toMatchObject({ email, is_verified: true, roles: ["editor", "user"] });
    await mailTo(usermesh, email, /invited/i);
    await press(page, "Send a link");
    await press(page, "Send");
    await page.getByText(`Link sent to ${email}`).waitFor();
    await mailTo(usermesh, email, /reset/i);
    expect(complaints).toEqual([]);
  });

  test("an invitation to an account with a password is refused at its field", async () => {
    const { id } = await register(usermesh, newPerson("dorothy"));
    const { page, complaints } = await openAsAdmin(`/admin/accounts/${id}`, { expected: ["422"] });
    await press(page, "Send a link");
    await page.getByLabel("Kind of link").selectOption("invitation");
    await press(page, "Send");
    await page.getByText("This account has a password already.").waitFor();
    expect([await faultsInAllModes(page), complaints]).toEqual([[], []]);
  });

  test("an account's texts and subscription are changed", async () => {
    const { id } = await register(usermesh, newPerson("mary"), { full_name: "Mary Jackson" });
    const { page, complaints } = await openAsAdmin(`/admin/accounts/${id}`);
    await page.getByLabel("Company").fill("NASA");
    await page.getByLabel("About").fill("Engineer");
    await press(page, "Save changes");
    await saved(page);
    await press(page, "Give premium");
    await page.getByLabel("Plan").fill("Team");
    await page.getByLabel("Last day").fill("2099-12-31");
    await page.getByRole("dialog").getByRole("button", { name: "Save changes" }).click();
    await page.getByText("December 31, 2099").waitFor();
    const user = await read(`admin/users/${id}`);
    expect(user).toMatchObject({ company: "NASA", bio: "Engineer", subscription: { tier: "premium", plan: "Team" } });
    await press(page, "End subscription");
    await page.getByRole("dialog").getByRole("button", { name: "End subscription" }).click();
    await page.getByRole("button", { name: "Give premium" }).waitFor();
    expect([await faultsInAllModes(page), complaints]).toEqual([[], []]);
  });

  test("a last day of a subscription that is over is refused at its field", async () => {
    const { id } = await register(usermesh, newPerson("dorothy"), { full_name: "Dorothy Vaughan" });
    const { page } = await openAsAdmin(`/admin/accounts/${id}`, { expected: ["422"] });
    await press(page, "Give premium");
    await page.getByLabel("Last day").fill("2020-01-01");
    await page.getByRole("dialog").getByRole("button", { name: "Save changes" }).click();
    await page.getByText("Choose a day in the future.").waitFor();
    expect(await page.getByLabel("Last day").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Last day").fill("12026-01-01");
    await page.getByRole("dialog").getByRole("button", { name: "Save changes" }).click();
    await page.getByText("The year must be 9999 or earlier.").waitFor();
  });

  test("a change that is based on an outdated version of an account is not saved until it is repeated", async () => {
    const { id } = await register(usermesh, newPerson("annie"), { full_name: "Annie Easley" });
    const { page, complaints } = await openAsAdmin(`/admin/accounts/${id}`, { expected: ["412"] });
    await page.getByLabel("Company").fill("Ours");
    await change(`admin/users/${id}`, { company: "Theirs", location: "Cleveland" });
    await press(page, "Save changes");
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    expect((await read(`admin/users/${id}`)).company).toBe("Theirs");
    const faults = await faultsInAllModes(page);
    await tabTo(page, "button", "Load the current version");
    await page.keyboard.press("Enter");
    await page.getByText("This is the current version").waitFor();
    expect(await page.getByLabel("Company").inputValue()).toBe("Theirs");
    await page.getByLabel("Company").fill("Ours");
    await press(page, "Save changes");
    await saved(page);
    expect(await read(`admin/users/${id}`)).toMatchObject({ company: "Ours", location: "Cleveland" });
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("an account can be disabled although it keeps changing", async () => {
    const { id } = await register(usermesh, newPerson("busy"));
    const { page } = await openAsAdmin(`/admin/accounts/${id}`);
    await press(page, "Disable");
    await change(`admin/users/${id}`, { company: "Elsewhere" });
    await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
    await page.getByRole("button", { name: "Enable" }).waitFor();
    expect((await read(`admin/users/${id}`)).is_active).toBe(false);
  });

  test("a role is renamed, and its dialog shows what somebody else has changed meanwhile", async () => {
    await createRole("helper");
    const { page, complaints } = await openAsAdmin("/admin/roles", { expected: ["401", "412"] });
    await press(page, "Edit helper");
    await change("admin/roles/helper", { permissions: ["users:read"] });
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("support");
    await press(page, "Save changes");
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    const faults = await faultsInAllModes(page);
    await press(page, "Load the current version");
    await dialog.getByText("It was changed elsewhere").waitFor({ state: "detached" });
    expect(await dialog.getByLabel("See accounts").isChecked()).toBe(true);
    await dialog.getByLabel("Name").fill("support");
    await press(page, "Save changes");
    await page.getByRole("heading", { name: "support" }).waitFor();
    const roles: ReadonlyArray<{ name: string; permissions: string[] }> = await read("admin/roles");
    expect(roles.find(({ name }) => name === "support")?.permissions).toEqual(["users:read"]);
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("after an administrator has changed a role, none of their requests fails with a stale token", async () => {
    await createRole("watcher");
    const { page, complaints } = await openAsAdmin("/admin/roles");
    await press(page, "Edit watcher");
    await page.getByLabel("See accounts").check();
    await press(page, "Save changes");
    await saved(page);
    await page.getByRole("listitem").filter({ hasText: "watcher" }).getByText("users:read").waitFor();
    await press(page, "Delete watcher");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Role deleted").waitFor();
    await page.getByRole("heading", { name: "watcher", exact: true }).waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
  });

  test("a tenant is renamed, but not over a change that somebody else has made meanwhile", async () => {
    const id = await createTenant("initech");
    const { page, complaints } = await openAsAdmin(`/admin/tenants/${id}`, { expected: ["412", "422"] });
    await page.getByLabel("Name", { exact: true }).first().fill("Initrode");
    await page.getByLabel("Short name").fill("initrode");
    await press(page, "Save changes");
    await titleShown(page, "Initrode");
    await change(`admin/tenants/${id}`, { settings: { max_users: 7 } });
    await page.getByLabel("Most accounts").fill("9");
    await press(page, "Save changes");
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    await press(page, "Load the current version");
    await page.getByText("This is the current version").waitFor();
    expect(await page.getByLabel("Most accounts").inputValue()).toBe("7");
    await page.getByLabel("Colour").fill("green");
    await press(page, "Save changes");
    await page.getByText("must be a colour like").waitFor();
    expect(await read(`admin/tenants/${id}`)).toMatchObject({ slug: "initrode", settings: { max_users: 7 } });
    expect([await faultsInAllModes(page), complaints]).toEqual([[], []]);
  });

  test("a tenant's logo is uploaded and removed, and what has been typed meanwhile stays", async () => {
    const id = await createTenant("stark");
    const { page, complaints } = await openAsAdmin(`/admin/tenants/${id}`, { expected: ["412", "422"] });
    await page.getByLabel("Most accounts").fill("9");
    const input = page.locator("input[type=file]");
    await input.setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: Buffer.from("<svg/>") });
    await page.getByText("Choose a PNG, JPEG, GIF or WebP file.").waitFor();
    const faults = await faultsInAllModes(page);
    const buffer = await picture(300, 120).jpeg().toBuffer();
    const file = { name: "logo.jpg", mimeType: "image/jpeg", buffer };
    await input.setInputFiles(file);
    const shown = page.locator(".logo-preview img").first();
    await eventually("the logo", () =>
      shown.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth === 256),
    );
    expect(await page.getByLabel("Most accounts").inputValue()).toBe("9");
    faults.push(...(await faultsInAllModes(page)));
    await change(`admin/tenants/${id}`, { name: "Stark" });
    await page.getByRole("group", { name: "Logo" }).getByRole("button", { name: "Remove" }).click();
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    expect((await read(`admin/tenants/${id}`)).logo).not.toBeNull();
    await press(page, "Load the current version");
    await page.getByText("It was changed elsewhere").waitFor({ state: "detached" });
    await page.getByRole("group", { name: "Logo" }).getByRole("button", { name: "Remove" }).click();
    await shown.waitFor({ state: "detached" });
    expect([(await read(`admin/tenants/${id}`)).logo, faults, complaints]).toEqual([null, [], []]);
  });

  test("the erasure of an account is shown with its receipts, which can be downloaded", async () => {
    const { id, email } = await register(usermesh, newPerson("mortal"));
    await asAdmin("DELETE", `admin/users/${id}`, {});
    const { page, complaints } = await openAsAdmin("/admin/erasures");
    await page
      .getByRole("row", { name: new RegExp(email) })
      .getByRole("button")
      .click();
    await page.getByText("No service has erased anything yet.").waitFor();
    const faults = await faultsInAllModes(page);
    await press(page, "Close");
    await asAdmin("DELETE", `admin/users/${id}`, { erase: true });
    await erased(usermesh.database, id);
    await page.goto(`${usermesh.url}/admin/erasures?state=completed`);
    await page.getByRole("table").getByRole("button").first().click();
    await page.getByRole("heading", { name: "Certificate of erasure" }).waitFor();
    faults.push(...(await faultsInAllModes(page)));
    const download = page.waitForEvent("download");
    await press(page, "Download");
    const content = await (await download).createReadStream();
    const certificate = JSON.parse(Buffer.concat(await content.toArray()).toString());
    expect(certificate).toMatchObject({ user_id: id, state: "completed", email: null });
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("a tenant is disabled, enabled, deleted and restored with the keyboard alone", async () => {
    const id = await createTenant("globex");
    const { page, complaints } = await openAsAdmin(`/admin/tenants/${id}`);
    const faults: string[] = [];
    const answer = async (button: string) => {
      await page.getByRole("dialog").waitFor();
      faults.push(...(await faultsInAllModes(page)));
      await tabTo(page, "button", button);
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    };
    const choose = async (button: string) => {
      await tabTo(page, "button", button);
      await page.keyboard.press("Enter");
    };
    await choose("Disable");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("This tenant is disabled").waitFor();
    expect((await read(`admin/tenants/${id}`)).is_active).toBe(false);
    faults.push(...(await faultsInAllModes(page)));
    await choose("Enable");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("This tenant is disabled").waitFor({ state: "detached" });
    await choose("Delete");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("globe");
    await page.keyboard.press("Enter");
    await page.getByText("This is not globex.").waitFor();
    expect((await read(`admin/tenants/${id}`)).delete_at).toBeNull();
    faults.push(...(await faultsInAllModes(page)));
    await page.keyboard.type("x");
    await answer("Delete tenant");
    await page.getByText("This tenant is deleted").waitFor();
    expect((await read(`admin/tenants/${id}`)).delete_at).not.toBeNull();
    faults.push(...(await faultsInAllModes(page)));
    await page.goto(`${usermesh.url}/admin/tenants`);
    await sectionShown(page);
    await page
      .getByRole("row", { name: /GLOBEX/ })
      .getByText("Deleted")
      .waitFor();
    await page.goto(`${usermesh.url}/admin/tenants/${id}`);
    await choose("Restore");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("This tenant is deleted").waitFor({ state: "detached" });
    expect(await read(`admin/tenants/${id}`)).toMatchObject({ is_active: true, delete_at: null });
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("the administrators' own tenant can be neither disabled nor deleted", async () => {
    const { page } = await openAsAdmin("/admin/tenants/00000000-0000-7000-8000-000000000001");
    await page.getByLabel("Name", { exact: true }).first().waitFor();
    expect(await page.getByRole("button", { name: /^(Disable|Delete)$/ }).count()).toBe(0);
    expect(await page.getByLabel("Short name").count()).toBe(0);
  });
});
