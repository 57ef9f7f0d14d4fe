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
import { startWebhooks, type Webhooks } from "../../support/data/webhooks.ts";
import { register, signIn } from "../../support/flows/main-flow.ts";

const executable = findChromium();

(executable === undefined ? describe.skip : describe)("webhooks in the admin console", () => {
  let webhooks: Webhooks;
  let browser: Browser;
  beforeAll(async () => {
    webhooks = await startWebhooks({ RATE_LIMIT_ENABLED: "true" });
    browser = await launchChromium(executable as string);
  });
  afterEach(() => closeViewers(browser));
  afterAll(async () => {
    await browser?.close();
    await webhooks?.stop();
  });

  const openAsAdmin = (path: string, options?: Parameters<typeof openViewer>[2]) =>
    openSignedIn(browser, webhooks.usermesh.url, webhooks.usermesh.admin, path, options);
  const token = async () => (await signIn(webhooks.usermesh, webhooks.usermesh.admin)).access;
  const create = async (more: object) => webhooks.create(await token(), more);
  const read = async (id: string) => (await webhooks.usermesh.api.get(`admin/webhooks/${id}`, await token())).body.data;
  const confirm = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name }).click();
  const messages = (page: Page) => page.getByRole("region", { name: "Messages" }).getByRole("listitem");

  test("one is created with a choice of events, and its secret is shown once", async () => {
    const { page, context, complaints } = await openAsAdmin("/admin/webhooks");
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByText("No webhooks yet").waitFor();
    const faults = await faultsInAllModes(page);
    await press(page, "Add webhook");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("URL").fill(`${webhooks.receiver.url}/hooks`);
    await dialog.getByLabel("Name").fill("Customer database");
    await dialog.getByLabel("All events").uncheck();
    await confirm(page, "Add webhook");
    await dialog.getByText("Choose at least one event.").waitFor();
    faults.push(...(await faultsInAllModes(page)));
    await dialog.getByLabel("Account created").check();
    await dialog.getByLabel("Data erased").check();
    await confirm(page, "Add webhook");
    await page.getByRole("heading", { name: "Signing secret" }).waitFor();
    faults.push(...(await faultsInAllModes(page)));
    await press(page, "Copy");
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(copied).toMatch(/^whsec_/);
    await press(page, "I have stored it");
    await titleShown(page, "Customer database");
    const id = page.url().split("/").at(-1) ?? "";
    expect(await read(id)).toMatchObject({ event_types: ["user.created", "user.erased"], is_enabled: true });
    expect(await page.content()).not.toContain(copied);
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("a URL that may not be used is refused at its field", async () => {
    const { page } = await openAsAdmin("/admin/webhooks", { expected: ["422"] });
    await press(page, "Add webhook");
    const url = page.getByLabel("URL");
    await url.fill("https://ada:secret@example.com/");
    await confirm(page, "Add webhook");
    await page.getByText("Leave out the user name and password.").waitFor();
    expect(await url.getAttribute("aria-invalid")).toBe("true");
    await url.fill("hooks");
    await confirm(page, "Add webhook");
    await page.getByText("This is not a web address.").waitFor();
  });

  test("a message that failed is found, looked at and sent again with the keyboard alone", async () => {
    const { id } = await create({ description: "Failing", event_types: ["user.erased"] });
    const { page, complaints } = await openAsAdmin(`/admin/webhooks/${id}`);
    await page.getByText("No messages").waitFor();
    webhooks.receiver.behave(500);
    await press(page, "Send a test");
    await confirm(page, "Send a test");
    await messages(page).getByText("Failed").waitFor();
    await page.getByText("The receiver does not accept messages").waitFor({ timeout: 15_000 });
    const faults = await faultsInAllModes(page);
    await page.getByLabel("Status").selectOption("failed");
    await messages(page).locator("summary").focus();
    await page.keyboard.press("Enter");
    await messages(page).locator("pre").getByText("webhook.test").waitFor();
    webhooks.receiver.behave(204);
    await tabTo(page, "button", "Send again");
    await page.keyboard.press("Enter");
    await page.getByText("No message has failed for good.").waitFor();
    await page.getByLabel("Status").selectOption("");
    await messages(page).getByText("Delivered").waitFor();
    faults.push(...(await faultsInAllModes(page)));
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("one is changed, but not over a change that somebody else has made meanwhile", async () => {
    const { id } = await create({ description: "Shared" });
    const { page, complaints } = await openAsAdmin(`/admin/webhooks/${id}`, { expected: ["412"] });
    await page.getByLabel("Name").fill("Mine");
    const theirs = await webhooks.usermesh.api.patch(`admin/webhooks/${id}`, { description: "Theirs" }, await token());
    expect(theirs.status).toBe(200);
    await press(page, "Save changes");
    await page.getByText("It was changed elsewhere since you opened it").waitFor();
    expect((await read(id)).description).toBe("Theirs");
    const faults = await faultsInAllModes(page);
    await press(page, "Load the current version");
    await titleShown(page, "Theirs");
    expect(await page.getByLabel("Name").inputValue()).toBe("Theirs");
    await page.getByLabel("Name").fill("Ours");
    await press(page, "Save changes");
    await titleShown(page, "Ours");
    expect([(await read(id)).description, faults, complaints]).toEqual(["Ours", [], []]);
  });

  test("its secret is replaced, and it is disabled, enabled and deleted", async () => {
    const { id, secret } = await create({ description: "Temporary" });
    const { page, complaints } = await openAsAdmin(`/admin/webhooks/${id}`);
    await press(page, "Replace secret");
    await confirm(page, "Replace secret");
    const shown = page.getByLabel("Signing secret").and(page.locator("input"));
    expect(await shown.inputValue()).toMatch(/^whsec_/);
    expect(await shown.inputValue()).not.toBe(secret);
    await press(page, "I have stored it");
    await page.getByText("Two secrets are in use").waitFor();
    const faults = await faultsInAllModes(page);
    await press(page, "Disable");
    await confirm(page, "Disable");
    await page.getByText("This webhook is disabled").waitFor();
    expect((await read(id)).is_enabled).toBe(false);
    expect(await page.getByRole("button", { name: "Send a test" }).count()).toBe(0);
    faults.push(...(await faultsInAllModes(page)));
    await press(page, "Enable");
    await confirm(page, "Enable");
    await page.getByRole("button", { name: "Disable" }).waitFor();
    await press(page, "Delete");
    await confirm(page, "Delete");
    await titleShown(page, "Webhooks");
    await page.getByText("Webhook deleted").waitFor();
    expect(await page.getByRole("link", { name: "Temporary" }).count()).toBe(0);
    faults.push(...(await faultsInAllModes(page)));
    expect([faults, complaints]).toEqual([[], []]);
  });

  test("administrators without the permission do not see them", async () => {
    const { usermesh } = webhooks;
    const person = await register(usermesh);
    const role = { name: "reader", permissions: ["users:read"] };
    expect((await usermesh.api.post("admin/roles", role, await token())).status).toBe(201);
    const given = await usermesh.api.patch(`admin/users/${person.id}`, { roles: ["reader"] }, await token());
    expect(given.status).toBe(200);
    const { page } = await openSignedIn(browser, usermesh.url, person, "/admin/webhooks");
    await page.getByRole("link", { name: "Accounts" }).waitFor();
    await page.getByText("There is nothing here").waitFor();
    expect(await page.getByRole("link", { name: "Webhooks" }).count()).toBe(0);
  });

  test("a list that cannot be loaded says so, and is loaded once the connection is back", async () => {
    const { page, context } = await openAsAdmin("/admin/webhooks", { expected: ["ERR_INTERNET_DISCONNECTED"] });
    await sectionShown(page);
    await page.getByRole("link", { name: "Accounts" }).click();
    await sectionShown(page);
    await context.setOffline(true);
    await page.getByRole("link", { name: "Webhooks" }).click();
    await page.getByText("This could not be loaded").waitFor();
    const faults = await faultsInAllModes(page);
    await context.setOffline(false);
    await press(page, "Try again");
    await page.getByRole("table", { name: "Webhooks" }).waitFor();
    expect(faults).toEqual([]);
  });
});
