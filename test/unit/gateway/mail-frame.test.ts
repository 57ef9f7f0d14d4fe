import { expect, test } from "@jest/globals";
import { mailFrame } from "../../../services/gateway/pages/dev-mail/mail-frame.ts";

test.each([
  ["a whole document", '<!doctype html>\n<html lang="en"><head><title>x</title></head><body>Hi</body></html>'],
  ["a part of one", "<p>Hi</p>"],
  ["nothing", ""],
])("links of %s open in new tabs, and it stays a document in standards mode", (_, part) => {
  const { body } = mailFrame(part);
  expect(String(body)).toMatch(/^<!doctype html>/);
  expect(String(body).split('<base target="_blank">')).toHaveLength(2);
});

test("the document runs no scripts, loads nothing, and is framed by our own pages only", () => {
  const policy = mailFrame("<script>1</script>").contentSecurityPolicy ?? "";
  const directives = new Map(
    policy.split("; ").map((one) => [one.split(" ")[0] ?? "", one.split(" ").slice(1).join(" ")]),
  );
  expect(directives.get("sandbox")).toBe("allow-popups allow-popups-to-escape-sandbox");
  expect(directives.get("default-src")).toBe("'none'");
  expect(directives.get("img-src")).toBe("data:");
  expect(directives.get("frame-ancestors")).toBe("'self'");
  expect([...directives.keys()].filter((name) => /script|connect|font|frame-src|media/.test(name))).toEqual([]);
});
