import { expect, test } from "@jest/globals";
import { withToken } from "../../../services/mail/messages/compose.ts";

test.each([
  ["https://app.example.com/reset", "https://app.example.com/reset?token=v1.a_b-c"],
  ["https://app.example.com/reset?lang=de", "https://app.example.com/reset?lang=de&token=v1.a_b-c"],
  ["https://app.example.com/#/reset", "https://app.example.com/#/reset?token=v1.a_b-c"],
  ["https://app.example.com/#!/reset?lang=de", "https://app.example.com/#!/reset?lang=de&token=v1.a_b-c"],
  ["https://app.example.com/page#top", "https://app.example.com/page?token=v1.a_b-c#top"],
])("the link to %s is %s", (page, link) => {
  expect(withToken(page, "v1.a_b-c")).toBe(link);
});
