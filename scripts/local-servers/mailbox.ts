import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { Mail } from "../../lib/runtime/platform.ts";

export interface Mailbox {
  readonly host: string;
  readonly port: number;
  /** Oldest first. */
  messages(): readonly Mail[];
  /** Returns a function that removes the listener. */
  onMessage(listener: (mail: Mail) => void): () => void;
  clear(): void;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const MAX_MAIL_BYTES = 10 * 1024 * 1024;

/** An SMTP server in this process that delivers nothing and keeps the latest `capacity` mails. */
export async function startMailbox({
  port = 0,
  capacity = 500,
}: {
  port?: number;
  capacity?: number;
} = {}): Promise<Mailbox> {
  let mails: readonly Mail[] = [];
  const listeners = new Set<(mail: Mail) => void>();
  const server = smtpServer((mail) => {
    mails = [...mails, mail].slice(-capacity);
    for (const listener of listeners) listener(mail);
  });
  const address = await listen(server, port);
  return {
    host: HOST,
    port: address.port,
    messages: () => mails,
    onMessage(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    clear() {
      mails = [];
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function smtpServer(onMail: (mail: Mail) => void): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    closeTimeout: 1000,
    size: MAX_MAIL_BYTES,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? "" }),
    onData: (stream, session, done) => {
      parseMail(stream, session).then((mail) => {
        done();
        onMail(mail);
      }, done);
    },
  });
}

// Once it listens, an error concerns one connection, and rejecting a settled promise has no effect.
function listen(server: SMTPServer, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    const socket = server.listen(port, HOST, () => resolve(socket.address() as AddressInfo));
  });
}

export async function parseMail(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<Mail> {
  const raw = await buffer(stream);
  if (stream.sizeExceeded) throw Object.assign(new Error("message is too big"), { responseCode: 552 });
  return toMail(await PostalMime.parse(raw), session);
}

function toMail(email: Email, { envelope }: SMTPServerSession): Mail {
  return {
    id: randomUUID(),
    message_id: email.messageId ?? "",
    from: email.from?.address ?? (envelope.mailFrom ? envelope.mailFrom.address : ""),
    to: envelope.rcptTo.map(({ address }) => address),
    subject: email.subject ?? "",
    text: email.text ?? "",
    html: withEmbeddedImages(email),
    headers: headersOf(email),
    received_at: new Date().toISOString(),
  };
}

/** Images that are attached to the mail and shown in its HTML part (RFC 2392) become part of the HTML. */
function withEmbeddedImages({ html = "", attachments }: Email): string {
  return html.replace(/(?<=["'(])cid:([^"'\s)>]+)/g, (url, cid) => {
    const image = attachments.find(({ contentId }) => contentId === `<${cid}>`);
    if (!image?.mimeType.startsWith("image/") || typeof image.content === "string") return url;
    return `data:${image.mimeType};base64,${Buffer.from(new Uint8Array(image.content)).toString("base64")}`;
  });
}

function headersOf({ headers }: Email): Record<string, string> {
  const byName = Map.groupBy(headers, ({ key }) => key);
  return Object.fromEntries([...byName].map(([name, all]) => [name, all.map(({ value }) => value).join("\n")]));
}
