import { domainToASCII, domainToUnicode } from "node:url";

/** Without ASCII characters that domains never have: Node.js would decode a percent sign and cut the text at a slash. */
const PLAUSIBLE = /^[A-Za-z0-9.\-\u0080-\u{10FFFF}]{1,253}$/u;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const MAX_DOMAIN = 253;

/**
 * The form in which a domain name is looked up (UTS 46): lower case, each label with other letters as `xn--…`. Null for a
 * text that is not the name of an internet host (RFC 1123 section 2.1), such as one with an underscore, or an IP address.
 */
export function asciiDomain(domain: string): string | null {
  if (!PLAUSIBLE.test(domain)) return null;
  const ascii = domainToASCII(domain);
  const labels = ascii.split(".");
  const isHostName = ascii.length <= MAX_DOMAIN && labels.length >= 2 && labels.every(isLabel);
  return isHostName && !/^\d+$/.test(labels.at(-1) ?? "") ? ascii : null;
}

/** A label `xn--…` that decodes to nothing else is not valid. */
function isLabel(label: string): boolean {
  if (!LABEL.test(label)) return false;
  return !label.startsWith("xn--") || !domainToUnicode(label).startsWith("xn--");
}
