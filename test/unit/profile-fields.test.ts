import { expect, test } from "@jest/globals";
import { parseKeyRing } from "../../lib/crypto/key-ring.ts";
import {
  PersonProfile,
  Profile,
  profileFields,
  sealedProfileFields,
} from "../../services/users/contract/users-shapes.contract.ts";
import { emptyProfile, givenFields, toProfileRow, viewProfile } from "../../services/users/profile/profile-view.ts";

const ring = parseKeyRing("a-secret-of-at-least-32-bytes-for-tests");
const userId = "0193b0a0-0000-7000-8000-000000000001";
const now = new Date("2026-01-01T00:00:00Z");
const names = Object.keys(profileFields) as Array<keyof typeof profileFields>;

test.each(names)("%s is stored with the profile, shown and exported", (name) => {
  const row = toProfileRow(ring, userId, { [name]: ["given"] }, now);
  const view = viewProfile(ring, row);
  expect(view[name]).toEqual(["given"]);
  expect(givenFields(view)).toEqual({ [name]: ["given"] });
});

test.each(Object.keys(sealedProfileFields))("%s is stored encrypted and shown to the owner alone", (name) => {
  const row = toProfileRow(ring, userId, { [name]: "given" }, now);
  expect(row.fields).toEqual({});
  expect(row.sealed).toEqual(expect.any(String));
  expect(Object.keys(PersonProfile.shape)).not.toContain(name);
});

test("a profile without a row has an empty list or null for each field, as the contract says", () => {
  const view = viewProfile(ring, emptyProfile(userId, now));
  expect(Profile.parse(view)).toEqual(view);
  expect(givenFields(view)).toEqual({});
});
