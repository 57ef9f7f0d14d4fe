import type { AddressInfo, Socket } from "node:net";
import { SMTPServer } from "smtp-server";
import type { Mail } from "../../../lib/runtime/platform.ts";
import { parseMail } from "../../../scripts/local-servers/mailbox.ts";

/**
 * A real SMTP server that refuses every recipient for good (RFC 5321, 550) until it is told to take them, and hangs up at those
 * whose address begins with `hangup`.
 */
export interface RefusingSmtp {
  readonly env: Readonly<Record<string, string>>;
  /** Recipients whose mail was taken. */
  readonly taken: readonly string[];
  /** Those that were taken, oldest first. */
  mails(): readonly Mail[];
  refuses: boolean;
  stop(): Promise<void>;
}

export async function startRefusingSmtp(): Promise<RefusingSmtp> {
  const taken: string[] = [];
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    closeTimeout: 500,
    onRcptTo({ address }, session, done) {
      if (address.startsWith("hangup")) return hangUp(server, session.id);
      const refusal = Object.assign(new Error(`<${address}>: no such user`), { responseCode: 550 });
      done(smtp.refuses ? refusal : undefined);
    },
    onData(stream, session, done) {
      parseMail(stream, session).then((mail) => {
        mails.push(mail);
        taken.push(...mail.to);
        done();
      }, done);
    },
  });
  server.on("error", () => undefined);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const { port } = server.server.address() as AddressInfo;
  const smtp: RefusingSmtp = {
    env: { SMTP_HOST: "127.0.0.1", SMTP_PORT: String(port), SMTP_TLS: "off" },
    taken,
    mails: () => mails,
    refuses: true,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
  return smtp;
}

function hangUp(server: SMTPServer, id: string): void {
  const { connections } = server as unknown as { connections: Set<{ id: string; _socket: Socket }> };
  for (const one of connections) if (one.id === id) one._socket.destroy();
}
