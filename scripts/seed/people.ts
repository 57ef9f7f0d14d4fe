import type * as z from "zod";
import type { ImportLine } from "../import/line-format.ts";
import { createDice, type Dice } from "./random.ts";
import { companies, familyNames, givenNames, places, trades } from "./vocabulary.ts";

type Person = Partial<ImportLine> & { readonly email: string };

/** A fixed day: the same seed gives the same people tomorrow. */
const LATEST = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const YEARS = 4;

/** Person `number` of a seed, by himself: a million of them need no more memory than one. */
export function personOf(seed: number, number: number, passwordHash: string): Person {
  const dice = createDice(Math.imul(seed, 0x9e3779b1) ^ number);
  const [given, family] = [dice.pick(givenNames), dice.pick(familyNames)];
  const trade = dice.pick(trades);
  const place = dice.pick(places);
  const title = dice.pick(trade.titles);
  const joined = LATEST - dice.upTo(YEARS * 365 * 24) * (DAY_MS / 24) - dice.upTo(3_600_000);
  const name = `${plain(given)}.${plain(family)}.${number}`;
  return {
    // RFC 2606: no mail to one of them reaches anybody.
    email: `${name}@example.com`,
    username: name,
    full_name: `${given} ${family}`,
    current_title: title,
    company: dice.pick(companies),
    location: place,
    bio: `${title} from ${place}, in ${trade.industry.toLowerCase()} since ${1990 + dice.upTo(34)}.`,
    is_active: !dice.percent(2),
    is_verified: !dice.percent(10),
    created_at: new Date(joined).toISOString(),
    last_login_at: dice.percent(80) ? new Date(joined + dice.upTo(LATEST - joined)).toISOString() : null,
    subscription: dice.percent(12) ? { plan: "premium", expires_at: null } : null,
    profile: profileOf(dice, trade),
    ...preferencesOf(dice, trade, place),
    password_hash: passwordHash,
  };
}

function profileOf(dice: Dice, { industry, skills, titles }: (typeof trades)[number]): Person["profile"] {
  return {
    industry,
    skills: dice.some(skills, 1 + dice.upTo(4)),
    years_of_experience: dice.upTo(35),
    languages: dice.some(["English", "German", "Spanish", "French", "Portuguese"], 1 + dice.upTo(3)),
    headline: `${dice.pick(titles)} who likes ${dice.pick(skills).toLowerCase()}`,
    ...(dice.percent(40) && { phone: `+4170${String(dice.upTo(10_000_000)).padStart(7, "0")}` }),
    ...(dice.percent(50) && { date_of_birth: `${1960 + dice.upTo(45)}-0${1 + dice.upTo(9)}-1${dice.upTo(9)}` }),
  };
}

/** Half of them never chose anything. */
function preferencesOf(dice: Dice, { titles, industry }: (typeof trades)[number], place: string) {
  if (dice.percent(50)) return {};
  const preferences: z.input<typeof import("../../services/preferences/preferences.contract.ts").PreferencesChange> = {
    desired_titles: dice.some(titles, 2),
    industries: [industry],
    preferred_locations: [place],
    remote: dice.percent(60),
    ...(dice.percent(15) && { privacy_profile: dice.percent(60) ? ("private" as const) : ("connections" as const) }),
    ...(dice.percent(20) && { privacy_location: false }),
  };
  return { preferences };
}

/** As names stand in addresses. */
function plain(name: string): string {
  return name
    .replace("ı", "i")
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z]/g, "");
}
