import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../support/clients/chromium.ts";
import {
  openSignedIn,
  openViewer,
  press,
  sectionShown,
  titleShown,
  type Viewer,
} from "../support/clients/page-driver.ts";
import { eventually } from "../support/eventually.ts";
import { newPerson, type Person, type Running, register } from "../support/flows/main-flow.ts";
import { describePageFlows } from "../support/flows/page-flows.ts";
import { startMesh, type TestMesh } from "../support/start/mesh.ts";
import { type PageServers, startPageServers } from "../support/start/page-stage.ts";

const executable = findChromium();

/** What a page shows comes from several processes here, and what it changes takes effect in others. */
(executable === undefined ? describe.skip : describe)("the pages on a mesh", () => {
  let mesh: TestMesh;
  let servers: PageServers;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    servers = await startPageServers("localhost");
    mesh = await startMesh({ processes: { gateway: 1, auth: 1, users: 1, sessions: 1, admin: 1 }, env: servers.env });
    url = mesh.api.url;
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await mesh?.stop();
    await servers?.stop();
  });

  const running = (): Running => ({ ...mesh, mails: servers.smtp.mails });
  const openAsAdmin = (path: string) => openSignedIn(browser, url, mesh.admin, path);

  async function signInOnPage(person: Person, path: string): Promise<Viewer> {
    const viewer = await openViewer(browser, url, { expected: ["401"] });
    await viewer.page.goto(`${url}/login?return_to=${path}`);
    await viewer.page.locator("[name=login]").fill(person.email);
    await viewer.page.locator("[name=password]").fill(person.password);
    await press(viewer.page, "Sign in");
    await viewer.page.waitForURL(`**${path}`);
    return viewer;
  }

  test("a person changes their profile; when their account is disabled, their open page goes to the sign-in page at once", async () => {
    const person = await register(mesh, newPerson("vera"), { full_name: "Vera Rubin" });
    const own = await signInOnPage(person, "/account");
    await own.page.getByLabel("Full name").fill("Vera Florence Rubin");
    await own.page.getByRole("button", { name: "Save" }).first().click();
    await own.page.getByText("Saved").first().waitFor();
    const console = await openAsAdmin("/admin/accounts?q=vera");
    await console.page.getByRole("link", { name: "Vera Florence Rubin" }).click();
    await titleShown(console.page, "Vera Florence Rubin");
    await press(console.page, "Disable");
    await console.page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
    await console.page.getByRole("button", { name: "Enable" }).waitFor();
    await own.page.waitForURL("**/login?**reason=session_ended**");
    expect([own.complaints, console.complaints]).toEqual([[], []]);
  });

  describePageFlows(() => ({ ...servers, browser, url, running: running() }), { isOpposite: true });

  test("the mesh view has a node for each process, and shows a request's journey through them", async () => {
    const { page, complaints } = await openAsAdmin("/mesh");
    await sectionShown(page);
    await register(mesh, newPerson("journey"));
    const calls = page.getByRole("table", { name: "Calls between services" });
    await calls.getByRole("row", { name: /^auth → users/ }).waitFor();
    for (const name of mesh.names())
      await page
        .getByRole("row", { name: new RegExp(name) })
        .first()
        .waitFor();
    await page.getByText("POST auth/register").first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("users.create", { exact: true }).waitFor();
    await eventually("its mail", async () => {
      if ((await dialog.getByText("mail.send", { exact: true }).count()) > 0) return true;
      await dialog.getByRole("button", { name: "Look again" }).click();
      return false;
    });
    expect(complaints).toEqual([]);
  });
});
