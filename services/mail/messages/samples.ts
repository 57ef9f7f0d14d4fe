import type { Actions } from "../../../lib/actions/typed-call.ts";
import { MailJob } from "../mail.contract.ts";
import type { MailDeps } from "../mail.deps.ts";
import { linkTo } from "./compose.ts";
import { isLinkKind, type MailDetails, type MailKind, mailKinds } from "./mail-kinds.ts";
import { renderMail } from "./render-mail.ts";
import type { MailTexts } from "./templates.ts";

type Result = Actions["mail.samples"]["result"];
type Sample = Result["samples"][number];
type Reason = NonNullable<MailDetails["revocation"]>["reason"];
type Deps = Pick<MailDeps, "config" | "templates" | "brand">;

/** Every mail in every language, as the owner of a verified address gets it. */
export function renderSamples(deps: Deps): Result {
  const samples = deps.templates.languages.flatMap((language) => {
    const texts = deps.templates.textsFor([language]);
    return mailKinds.flatMap((kind) => [null, ...reasonsOf(kind)].map((reason) => sampleOf(deps, texts, kind, reason)));
  });
  return { samples, logo: deps.brand.logo?.toString("base64") ?? null };
}

const SAMPLE_TOKEN = "v1.k1.0198f7a2-6a3c-7cc1-a2f4-3b1c9d0e5f60.c2FtcGxlIG9mIGEgdG9rZW4gdGhhdCBvcGVucyBub3Ro";

function reasonsOf(kind: MailKind): readonly Reason[] {
  return kind === "password_changed" ? MailJob.shape.revocation.unwrap().shape.reason.options : [];
}

function sampleOf({ config, brand }: Deps, texts: MailTexts, kind: MailKind, reason: Reason | null): Sample {
  const { language } = texts;
  const link = isLinkKind(kind) ? { link: linkTo(config.http, { kind, token: SAMPLE_TOKEN, tenant: null }) } : {};
  const recipient = { name: "Ada Lovelace", isVerified: true };
  const details = { provider: "GitHub", ...(reason && { revocation: revocationBy(reason) }) };
  const mail = renderMail(texts, { kind, recipient, brand, details, ...link });
  const name = [kind, reason, language].filter((part) => part !== null).join("-");
  return { name, kind, reason, language, subject: mail.subject, text: mail.text, html: mail.html };
}

const providersBy: Readonly<Record<Reason, { removed?: string[]; kept?: string[] }>> = {
  reset: { kept: ["Google"] },
  verification: { removed: ["GitHub"] },
  administrator: { removed: ["GitHub"] },
  provider_claim: { removed: ["GitHub"] },
  invitation: {}, // an account that accepts its invitation has none yet
};

function revocationBy(reason: Reason): NonNullable<MailDetails["revocation"]> {
  const { removed = [], kept = [] } = providersBy[reason];
  return { reason, first_proof: reason !== "reset", removed_providers: removed, kept_providers: kept };
}
