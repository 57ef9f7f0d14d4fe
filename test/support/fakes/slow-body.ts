import { once } from "node:events";
import { request } from "node:http";

/** A request that has passed the door: its head is read, its body not sent. */
export interface SlowBody {
  /** Sends the body, and resolves with the answer: `401 session_ended`. */
  send(): Promise<string>;
}

/** PATCH /users/me. Node answers `100 Continue` in the same turn in which the gateway sees the head. */
export async function openSlowBody(url: string, token: string, change: object): Promise<SlowBody> {
  const body = JSON.stringify(change);
  const opened = request(`${url}/api/v1/users/me`, {
    method: "PATCH",
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      expect: "100-continue",
    },
  });
  const answered = new Promise<string>((resolve, reject) => {
    opened.once("error", reject);
    opened.once("response", async (response) => {
      const text = (await response.toArray()).join("");
      resolve(`${response.statusCode} ${JSON.parse(text).code ?? "ok"}`);
    });
  });
  opened.flushHeaders();
  await once(opened, "continue");
  return {
    send() {
      opened.end(body);
      return answered;
    },
  };
}
