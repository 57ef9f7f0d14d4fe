import { createTransport } from "nodemailer";
import { AppError } from "../../lib/actions/errors.ts";
import type { Config } from "../../lib/config/config.ts";

export interface OutgoingMail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** With its angle brackets. */
  readonly messageId: string;
  readonly date: Date;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Transport {
  /** Resolves with the server's 250. Rejects with `mail_unavailable`, `mail_deferred` or `mail_refused`. */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
}

/** As many as the workers of a few nodes send at once, so that none waits for a connection until its call has timed out. */
const CONNECTIONS = 10;
const CONNECT_MS = 3_000;
const SILENCE_MS = 10_000;
const TLS_PORT = 465;

export function createMailTransport({ host, port, username, password, tls }: Config["mail"]): Transport {
  const smtp = createTransport({
    pool: true,
    maxConnections: CONNECTIONS,
    host: host ?? "localhost",
    port,
    secure: port === TLS_PORT,
    requireTLS: tls === "require",
    ignoreTLS: tls === "off",
    // `auto` takes whatever protection is offered: turning down a self-made certificate would leave none at all.
    tls: { rejectUnauthorized: tls === "require" || port === TLS_PORT },
    ...(username !== undefined && { auth: { user: username, pass: password ?? "" } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail) {
      try {
        await smtp.sendMail({ ...mail, headers: { ...mail.headers } });
      } catch (error) {
        throw sorted(error as SmtpError);
      }
    },
    close: () => smtp.close(),
  };
}

/** nodemailer's: the server's reply, and the command it was the reply to. */
export interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly command?: string;
}

/**
 * RFC 5321 section 4.2.1. Only a reply about this recipient or this message speaks of them; all else is the server's
 * state, and every mail waits until that is better. The reply itself may hold the address: it goes to no log and no job.
 */
export function sorted({ code, responseCode, command }: SmtpError): AppError {
  const cause = new Error(`SMTP: ${[code, command, responseCode].filter((part) => part !== undefined).join(" ")}`);
  if (code === "EENVELOPE" && responseCode === undefined) return new AppError("mail_refused", { cause });
  const isAboutThis = command === "RCPT TO" || command === "DATA";
  if (responseCode === undefined || responseCode === 421 || !isAboutThis)
    return new AppError("mail_unavailable", { cause });
  return new AppError(responseCode >= 500 ? "mail_refused" : "mail_deferred", { cause });
}
