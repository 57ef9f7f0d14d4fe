import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../../support/clients/chromium.ts";
import { linkToken, mailTo, newPerson, register, signIn } from "../../support/flows/main-flow.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const executable = findChromium();

/** WCAG 2.2, 1.4.3. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((left, right) => left - right);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((text) => {
    const part = Number(text) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

(executable === undefined ? describe.skip : describe)("the pages in a browser", () => {
  let usermesh: Usermesh;
  let browser: Browser;
  beforeAll(async () => {
    usermesh = await startUsermesh();
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await usermesh?.stop();
  });

  /** Opens a page, and collects console errors and requests to other servers. */
  async function open(path: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (/^https?:/.test(request.url()) && !request.url().startsWith(usermesh.url))
        complaints.push(`asked ${request.url()}`);
    });
    await page.goto(usermesh.url + path);
    return { page, complaints };
  }

  test("the button verifies the address, opening the link does not", async () => {
    const person = await register(usermesh);
    const token = linkToken(await mailTo(usermesh, person.email, /verify-email/));
    const { page, complaints } = await open(`/api/v1/auth/verify-email?token=${token}`);
    expect(page.url()).not.toContain(token);
    const { access } = await signIn(usermesh, person);
    expect((await usermesh.api.get("users/me", access)).body.data.is_verified).toBe(false);
    await page.getByRole("button", { name: "Verify email address" }).click();
    await page.getByRole("status").getByText("Your email address is verified").waitFor();
    expect((await usermesh.api.get("users/me", access)).body.data.is_verified).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("a used link is reported, and the form stays", async () => {
    const { page } = await open("/api/v1/auth/verify-email?token=used");
    await page.getByRole("button").click();
    await page.getByRole("status").getByText("invalid or has expired").waitFor();
    expect(await page.getByRole("button").isEnabled()).toBe(true);
  });

  test("a password can be reset with the keyboard alone", async () => {
    const person = await register(usermesh);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password\?token=/));
    const { page, complaints } = await open(`/reset-password?token=${token}`);
    const password = `${newPerson().password}-Anew`;
    await page.keyboard.press("Tab");
    await page.keyboard.type(password);
    await page.keyboard.press("Tab");
    await page.keyboard.type(`${password}-other`);
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Confirm new password: does not match").waitFor();
    await page.getByLabel("Confirm new password").fill(password);
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Your password has been changed").waitFor();
    expect((await signIn(usermesh, { ...person, password })).access).not.toBe("");
    expect(complaints.filter((line) => !line.includes("422"))).toEqual([]);
  });

  test("a refused password marks and focuses its field", async () => {
    const person = await register(usermesh);
    await usermesh.api.post("auth/password-reset-request", { email: person.email });
    const token = linkToken(await mailTo(usermesh, person.email, /reset-password\?token=/));
    const { page } = await open(`/reset-password?token=${token}`);
    await page.getByLabel("New password", { exact: true }).fill("weak");
    await page.getByLabel("Confirm new password").fill("weak");
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("New password: ").waitFor();
    expect(await page.evaluate("document.activeElement.name")).toBe("new_password");
    const marks = page
      .getByLabel("New password")
      .all()
      .then((fields) => Promise.all(fields.map((one) => one.getAttribute("aria-invalid"))));
    expect(await marks).toEqual(["true", "false"]);
  });

  test.each(["/api/v1/auth/verify-email", "/reset-password"])("%s is accessible to screen readers", async (path) => {
    const { page } = await open(path);
    // A text, not a function: the types of this project know no DOM.
    const found = await page.evaluate(`({
      language: document.documentElement.lang,
      title: document.title,
      headings: document.querySelectorAll("h1").length,
      landmarks: document.querySelectorAll("main").length,
      unlabelled: [...document.querySelectorAll("input")].filter((field) => field.labels.length === 0).length,
      live: document.querySelectorAll("[role=status]").length,
      small: [...document.querySelectorAll("button, input")].filter((one) => one.getBoundingClientRect().height < 24).length,
    })`);
    expect(found).toEqual({
      language: "en",
      title: expect.stringMatching(/\S/),
      headings: 1,
      landmarks: 1,
      unlabelled: 0,
      live: 1,
      small: 0,
    });
  });

  test.each(["light", "dark"] as const)(
    "the pages are readable in %s mode, on a small screen too",
    async (colorScheme) => {
      const { page } = await open("/reset-password");
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 320, height: 640 });
      const found = (await page.evaluate(`(() => {
      const probe = document.body.appendChild(document.createElement("i"));
      const colour = (name) => { probe.style.color = name; return getComputedStyle(probe).color; };
      const canvas = colour("Canvas");
      const shown = (element) => [getComputedStyle(element).color, canvas];
      document.querySelector("input").focus();
      const { outlineStyle } = getComputedStyle(document.activeElement);
      return {
        pairs: ["h1", "label", "[role=status]"].map((one) => shown(document.querySelector(one))),
        outlineStyle,
        overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      };
    })()`)) as { pairs: Array<[string, string]>; outlineStyle: string; overflows: boolean };
      for (const [text, ground] of found.pairs) expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
      expect([found.outlineStyle === "none", found.overflows]).toEqual([false, false]);
    },
  );

  test("ReDoc shows the document without requests to other servers", async () => {
    const { page, complaints } = await open("/redoc");
    await page
      .getByRole("heading", { name: /Usermesh/ })
      .first()
      .waitFor({ timeout: 30_000 });
    await page.getByRole("heading", { name: "Create an account" }).first().waitFor();
    // Its makers' logo is the one thing it would fetch from elsewhere, and the policy of the page forbids it.
    expect(complaints.filter((line) => !line.includes("logo-mini.svg"))).toEqual([]);
  });

  test("Swagger UI shows the document without requests to other servers", async () => {
    const { page, complaints } = await open("/docs");
    await page.getByText("Create an account").first().waitFor({ timeout: 30_000 });
    expect(complaints).toEqual([]);
  });
});
