import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { describeRevocation } from "../support/flows/revocation-flow.ts";
import { expectGood, newAccount, type SignedIn, verdictOf, verdicts } from "../support/flows/session-endings.ts";
import { connect, plantSilentHolder } from "../support/start/sessions-services.ts";
import { startUsermesh, type Usermesh } from "../support/start/usermesh.ts";

describe("when access has ended, in one process", () => {
  let usermesh: Usermesh;
  beforeAll(async () => {
    usermesh = await startUsermesh();
  });
  afterAll(() => usermesh.stop());

  describeRevocation(() => ({ running: usermesh, gateways: [usermesh.api] }));

  test("while something else holds a transaction open, it is answered and refused after", async () => {
    const [held, free] = await Promise.all([newAccount(usermesh, 1), newAccount(usermesh, 1)]);
    const silent = await connect(usermesh.database.url);
    await silent.query("BEGIN");
    await silent.query("SELECT sessions.revoke_session($1, $2, 'test', $3)", [
      held.sessions[0]?.session,
      held.id,
      JSON.stringify({ event_id: randomUUID() }),
    ]);
    const sessions = [...held.sessions, ...free.sessions];
    const answers = sessions.map(({ access }) => usermesh.api.post("auth/logout", undefined, access));
    // The database ends the idle transaction after 1 s; without that, `lock_timeout` would fail the request after 2 s.
    expect((await Promise.all(answers)).map(verdictOf)).toEqual(["200 ok", "200 ok"]);
    expect(await verdicts([usermesh.api], sessions)).toEqual(["401 session_ended", "401 session_ended"]);
    await silent.end().catch(() => undefined);
  });

  test("and is ended again, it waits like the first time for a holder that is silent", async () => {
    const { sessions } = await newAccount(usermesh, 1);
    const [session] = sessions as readonly [SignedIn];
    await expectGood([usermesh.api], sessions);
    const logout = () => usermesh.api.post("auth/logout", { refresh_token: session.refresh });
    expect((await logout()).status).toBe(200);
    const silent = await plantSilentHolder(usermesh.database, 1_000);
    expect((await logout()).status).toBe(200);
    expect(await silent.holdsLease()).toBe(false);
  });
});
