import type * as z from "zod";
import type { ImportLine } from "../import/line-format.ts";
import { createSeededRandom, type SeededRandom } from "./random.ts";
import { companies, familyNames, givenNames, places, trades } from "./vocabulary.ts";

type Person = Partial<ImportLine> & { readonly email: string };

/** A fixed day: the same seed gives the same people tomorrow. */
const LATEST_JOIN = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const YEARS = 4;

/** Person `number` of a seed, by himself: a million of them need no more memory than one. */
export function createPerson(seed: number, number: number, passwordHash: string): Person {
  const dice = createSeededRandom(Math.imul(seed, 0x9e3779b1) ^ number);
  const [given, family] = [dice.pick(givenNames), dice.pick(familyNames)];
  const trade = dice.pick(trades);
  const place = dice.pick(places);
  const title = dice.pick(trade.titles);
  const joined = LATEST_JOIN - dice.below(YEARS * 365 * 24) * (DAY_MS / 24) - dice.below(3_600_000);
  const name = `${toEmailName(given)}.${toEmailName(family)}.${number}`;
  return {
    // RFC 2606: no mail to one of them reaches anybody.
    email: `${name}@example.com`,
    username: name,
    full_name: `${given} ${family}`,
    current_title: title,
    company: dice.pick(companies),
    location: place,
    bio: `${title} from ${place}, in ${trade.industry.toLowerCase()} since ${1990 + dice.below(34)}.`,
    is_active: !dice.chance(2),
    is_verified: !dice.chance(10),
    created_at: new Date(joined).toISOString(),
    last_login_at: dice.chance(80) ? new Date(joined + dice.below(LATEST_JOIN - joined)).toISOString() : null,
    subscription: dice.chance(12) ? { plan: "premium", expires_at: null } : null,
    profile: createProfile(dice, trade),
    ...createPreferences(dice, trade, place),
    password_hash: passwordHash,
  };
}

function createProfile(dice: SeededRandom, { industry, skills, titles }: (typeof trades)[number]): Person["profile"] {
  return {
    industry,
    skills: dice.sample(skills, 1 + dice.below(4)),
    years_of_experience: dice.below(35),
    languages: dice.sample(["English", "German", "Spanish", "French", "Portuguese"], 1 + dice.below(3)),
    headline: `${dice.pick(titles)} who likes ${dice.pick(skills).toLowerCase()}`,
    ...(dice.chance(40) && { phone: `+4170${String(dice.below(10_000_000)).padStart(7, "0")}` }),
    ...(dice.chance(50) && { date_of_birth: `${1960 + dice.below(45)}-0${1 + dice.below(9)}-1${dice.below(9)}` }),
  };
}

/** Half of them never chose anything. */
function createPreferences(dice: SeededRandom, { titles, industry }: (typeof trades)[number], place: string) {
  if (dice.chance(50)) return {};
  const preferences: z.input<typeof import("../../services/preferences/preferences.contract.ts").PreferencesChange> = {
    desired_titles: dice.sample(titles, 2),
    industries: [industry],
    preferred_locations: [place],
    remote: dice.chance(60),
    ...(dice.chance(15) && { privacy_profile: dice.chance(60) ? ("private" as const) : ("connections" as const) }),
    ...(dice.chance(20) && { privacy_location: false }),
  };
  return { preferences };
}

/** As names stand in addresses. */
function toEmailName(name: string): string {
  return name
    .replace("ı", "i")
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z]/g, "");
}
