import { describe, expect, test } from "@jest/globals";
import { describeDevice } from "../../../services/sessions/session/device.ts";

const mozilla = "Mozilla/5.0";

describe("a device", () => {
  test.each([
    [
      `${mozilla} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36`,
      "Chrome",
      "Windows",
      "desktop",
    ],
    [
      `${mozilla} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0`,
      "Edge",
      "Windows",
      "desktop",
    ],
    [`${mozilla} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0`, "Firefox", "Linux", "desktop"],
    [
      `${mozilla} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`,
      "Safari",
      "macOS",
      "desktop",
    ],
    [
      `${mozilla} (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1`,
      "Safari",
      "iOS",
      "mobile",
    ],
    [
      `${mozilla} (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0 Mobile/15E148 Safari/604.1`,
      "Chrome",
      "iOS",
      "mobile",
    ],
    [
      `${mozilla} (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1`,
      "Safari",
      "iPadOS",
      "tablet",
    ],
    [
      `${mozilla} (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36`,
      "Chrome",
      "Android",
      "mobile",
    ],
    [
      `${mozilla} (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Safari/537.36`,
      "Samsung Internet",
      "Android",
      "tablet",
    ],
    [`${mozilla} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`, null, null, "bot"],
    [
      `${mozilla} (Linux; Android 10; CUBOT NOTE 20) Chrome/141.0.0.0 Mobile Safari/537.36`,
      "Chrome",
      "Android",
      "mobile",
    ],
    ["curl/8.14.1", "curl", null, "unknown"],
    ["okhttp/4.12.0", "okhttp", null, "unknown"],
    ["MyApp/3 CFNetwork/1568.200.51 Darwin/24.1.0", "CFNetwork", "macOS", "desktop"],
    ["", null, null, "unknown"],
  ])("of %j", (userAgent, browser, os, type) => {
    expect(describeDevice(userAgent, null)).toEqual({ name: null, browser, os, type });
  });

  test("has the name given by its owner, even without a user agent", () => {
    expect(describeDevice(undefined, "kitchen")).toEqual({ name: "kitchen", browser: null, os: null, type: "unknown" });
  });

  test("is derived from a hostile user agent without backtracking", () => {
    const hostile = "Version/1.".repeat(100) + "(((".repeat(8);
    expect(describeDevice(hostile, null)).toEqual({ name: null, browser: null, os: null, type: "unknown" });
  });
});
