import { createTransport } from "nodemailer";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";

export interface OutgoingMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Includes the angle brackets. */
  readonly messageId: string;
  readonly date: Date;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SmtpTransport {
  /** Resolves when the server has accepted the message (250). Rejects with `mail_unavailable`, `mail_deferred` or `mail_refused`. */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
}

/** Enough for two mail workers with five jobs each: a call that waits for a connection could exceed its timeout. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 10_000;
/** The port on which connections start with TLS instead of STARTTLS (RFC 8314). */
const IMPLICIT_TLS_PORT = 465;

export function createSmtpTransport({ host, port, username, password, tls }: Config["mail"]): SmtpTransport {
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
  return {
    async send(mail) {
      try {
        await smtp.sendMail({ ...mail, headers: { ...mail.headers } });
      } catch (error) {
        throw classifySmtpError(error as SmtpError);
      }
    },
    close: () => smtp.close(),
  };
}

/** An error of nodemailer: its own code, the server's reply code and the command that the server replied to. */
export interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly command?: string;
}

/**
 * By the reply codes of RFC 5321 section 4.2.1: only replies to RCPT TO and DATA are about this message, except 421,
 * with which a server closes the connection. After all other failures the server is unavailable, and the queue waits
 * for it. The reply's text may contain the address, so it is neither logged nor stored.
 */
export function classifySmtpError({ code, responseCode, command }: SmtpError): AppError {
  const cause = new Error(`SMTP: ${[code, command, responseCode].filter((part) => part !== undefined).join(" ")}`);
  const isRefusedByNodemailer = code === "EENVELOPE" && responseCode === undefined;
  if (isRefusedByNodemailer) return new AppError("mail_refused", { cause });
  const isAboutMessage = command === "RCPT TO" || command === "DATA";
  if (responseCode === undefined || responseCode === 421 || !isAboutMessage)
    return new AppError("mail_unavailable", { cause });
  return new AppError(responseCode >= 500 ? "mail_refused" : "mail_deferred", { cause });
}
