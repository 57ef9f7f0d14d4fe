import type * as z from "zod";
import type { ImportLine } from "../import/line-format.ts";
import { createSeededRandom, type SeededRandom } from "./random.ts";
import { companies, familyNames, givenNames, places, trades } from "./vocabulary.ts";

type Person = Partial<ImportLine> & { readonly email: string };

/** Fixed, so that a seed always creates the same people. */
const LATEST_JOIN = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const YEARS = 4;

/** Person `number` of a seed, independent of the others, so that a million need no more memory than one. */
export function createPerson(seed: number, number: number, passwordHash: string): Person {
  const random = createSeededRandom(Math.imul(seed, 0x9e3779b1) ^ number);
  const [given, family] = [random.pick(givenNames), random.pick(familyNames)];
  const trade = random.pick(trades);
  const place = random.pick(places);
  const title = random.pick(trade.titles);
  const joined = LATEST_JOIN - random.below(YEARS * 365 * 24) * (DAY_MS / 24) - random.below(3_600_000);
  const name = `${toEmailName(given)}.${toEmailName(family)}.${number}`;
  return {
    // Reserved by RFC 2606: no mail is ever delivered there.
    email: `${name}@example.com`,
    username: name,
    full_name: `${given} ${family}`,
    current_title: title,
    company: random.pick(companies),
    location: place,
    bio: `${title} from ${place}, in ${trade.industry.toLowerCase()} since ${1990 + random.below(34)}.`,
    is_active: !random.chance(2),
    is_verified: !random.chance(10),
    created_at: new Date(joined).toISOString(),
    last_login_at: random.chance(80) ? new Date(joined + random.below(LATEST_JOIN - joined)).toISOString() : null,
    subscription: random.chance(12) ? { plan: "premium", expires_at: null } : null,
    profile: createProfile(random, trade),
    ...createPreferences(random, trade, place),
    password_hash: passwordHash,
  };
}

function createProfile(random: SeededRandom, { industry, skills, titles }: (typeof trades)[number]): Person["profile"] {
  return {
    industry,
    skills: random.sample(skills, 1 + random.below(4)),
    years_of_experience: random.below(35),
    languages: random.sample(["English", "German", "Spanish", "French", "Portuguese"], 1 + random.below(3)),
    headline: `${random.pick(titles)} who likes ${random.pick(skills).toLowerCase()}`,
    ...(random.chance(40) && { phone: `+4170${String(random.below(10_000_000)).padStart(7, "0")}` }),
    ...(random.chance(50) && {
      date_of_birth: `${1960 + random.below(45)}-0${1 + random.below(9)}-1${random.below(9)}`,
    }),
  };
}

/** Half of them have none. */
function createPreferences(random: SeededRandom, { titles, industry }: (typeof trades)[number], place: string) {
  if (random.chance(50)) return {};
  const preferences: z.input<typeof import("../../services/preferences/preferences.contract.ts").PreferencesChange> = {
    desired_titles: random.sample(titles, 2),
    industries: [industry],
    preferred_locations: [place],
    remote: random.chance(60),
    ...(random.chance(15) && { privacy_profile: random.chance(60) ? ("private" as const) : ("connections" as const) }),
    ...(random.chance(20) && { privacy_location: false }),
  };
  return { preferences };
}

/** Letters a to z only. */
function toEmailName(name: string): string {
  return name
    .replace("ı", "i")
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z]/g, "");
}
