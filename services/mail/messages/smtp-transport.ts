import { createTransport } from "nodemailer";
import { AppError, type ErrorCode } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { Attachment } from "./render-mail.ts";

export interface OutgoingMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly attachments: readonly Attachment[];
  /** Includes the angle brackets. */
  readonly messageId: string;
  readonly date: Date;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SmtpTransport {
  /** Resolves when the server has accepted the message (250). Rejects with `mail_unavailable`, `mail_deferred` or `mail_refused`. */
  send(mail: OutgoingMail): Promise<void>;
  /** Whether the server accepts a connection and our credentials. */
  isUp(): Promise<boolean>;
  close(): void;
}

/** Enough for two mail workers with five jobs each: a call that waits for a connection could exceed its timeout. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 10_000;
/** The port on which connections start with TLS instead of STARTTLS (RFC 8314). */
const IMPLICIT_TLS_PORT = 465;

/** `suspectThreshold`: how many recipients in a row must fail until the server counts as down. */
export function createSmtpTransport(
  { host, port, username, password, tls }: Config["mail"],
  suspectThreshold: number,
): SmtpTransport {
  const smtp = createTransport({
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    host: host ?? "localhost",
    port,
    secure: port === IMPLICIT_TLS_PORT,
    requireTLS: tls === "require",
    ignoreTLS: tls === "off",
    // `auto` accepts any certificate after STARTTLS, because it also sends without TLS if the server does not offer it.
    tls: { rejectUnauthorized: tls === "require" || port === IMPLICIT_TLS_PORT },
    ...(username !== undefined && { auth: { user: username, pass: password ?? "" } }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: IDLE_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const attribution = createFailureAttribution(suspectThreshold, () => smtp.verify());
  return {
    async send(mail) {
      try {
        await smtp.sendMail({ ...mail, headers: { ...mail.headers }, attachments: [...mail.attachments] });
        attribution.recordSuccess();
      } catch (error) {
        throw await attribution.toAppError(error as SmtpError, mail.to);
      }
    },
    isUp: () =>
      smtp.verify().then(
        () => true,
        () => false,
      ),
    close: () => smtp.close(),
  };
}

/** An error of nodemailer: its own code, the server's reply code and the command that the server replied to. */
export interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly command?: string;
}

const MAX_SUSPECTS = 1_000;

/**
 * Decides whether a failure is the server's (`mail_unavailable`: the queue waits, and no attempt is used) or the message's.
 * By the reply codes of RFC 5321 section 4.2.1, a reply to RCPT TO or DATA is about the message. If the server hangs up, does
 * not respond, or replies 421 meanwhile, it may be down, or it may do so for this recipient only, for example because it asks
 * the recipient's own server. Then the server is down if it accepts no other connection, or if as many recipients as open
 * the circuit breaker have failed since the last success. The second failure of a recipient counts as its own in any case,
 * so that a message cannot be retried for ever.
 */
export function createFailureAttribution(threshold: number, verify: () => Promise<unknown>) {
  const suspects = new Set<string>();
  return {
    recordSuccess: () => suspects.clear(),
    async toAppError(error: SmtpError, recipient: string): Promise<AppError> {
      const type = classifySmtpError(error) ?? ((await isServerDown(recipient)) ? "mail_unavailable" : "mail_deferred");
      return new AppError(type, { cause: withoutReply(error) });
    },
  };

  async function isServerDown(recipient: string): Promise<boolean> {
    const isAccepting = await verify().then(
      () => true,
      () => false,
    );
    if (!isAccepting) return true;
    if (suspects.has(recipient)) return false;
    if (suspects.size < MAX_SUSPECTS) suspects.add(recipient);
    return suspects.size >= threshold;
  }
}

/** Undefined if the error alone does not tell whether it is about the message. */
function classifySmtpError({ code, responseCode, command }: SmtpError): ErrorCode | undefined {
  if (code === "EENVELOPE" && responseCode === undefined) return "mail_refused"; // by nodemailer
  if (responseCode === undefined || responseCode === 421) return undefined;
  if (command !== "RCPT TO" && command !== "DATA") return "mail_unavailable";
  return responseCode >= 500 ? "mail_refused" : "mail_deferred";
}

/** The reply's text may contain the address, so it is neither logged nor stored. */
function withoutReply({ code, responseCode, command }: SmtpError): Error {
  return new Error(`SMTP: ${[code, command, responseCode].filter((part) => part !== undefined).join(" ")}`);
}
