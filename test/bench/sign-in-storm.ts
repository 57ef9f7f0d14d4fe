import { type Generator, startGenerator } from "./children.ts";
import type { Load } from "./load.ts";
import { type Line, median, ms } from "./table.ts";
import { type Ground, inTurns, loginLoad, type Prepared, signIn } from "./throughput.ts";

const GOAL = 1.5;
/** A load far below the capacity of the server, so that requests wait only because of the sign-ins. */
const CONNECTIONS = 5;
const PAUSE_MS = 20;

/** Do other requests become slower while more people sign in than passwords can be hashed? */
export async function measureDuringSignIns(ground: Ground, person: Prepared, where: string): Promise<Line[]> {
  const { stack, url, say } = ground;
  say(`requests during a storm of sign-ins, ${where}`);
  const storm = startGenerator(stack);
  const { seconds } = ground.effort;
  const light = { url, connections: CONNECTIONS, pauseMs: PAUSE_MS, seconds } as const;
  const me: Load = {
    ...light,
    method: "GET",
    path: "/api/v1/users/me",
    headers: { authorization: `Bearer ${person.access}` },
  };
  const refreshTokens = (await signIn(url, person, CONNECTIONS)).map((tokens) => tokens.refresh_token);
  const refresh: Load = { ...light, method: "POST", path: "/api/v1/auth/refresh", refreshTokens };
  return [await compare("GET /users/me", me), await compare("refresh", refresh)];

  async function compare(name: string, load: Load): Promise<Line> {
    const next = takeTokens(load);
    const rounds = await inTurns(ground.effort, [
      () => next(ground.generator),
      async () => {
        const signIns = storm.run(loginLoad(ground, person, seconds));
        const measured = await next(ground.generator);
        await signIns;
        return measured;
      },
    ]);
    const quiet = median(rounds.map(([one]) => one?.p99 ?? 0));
    const during = median(rounds.map(([, one]) => one?.p99 ?? 0));
    const ratio = during / quiet;
    const goal = `<= ${GOAL}`;
    return {
      what: `p99 of ${name} in a sign-in storm, ${where}`,
      ours: ms(during),
      limit: `${ms(quiet)} quiet`,
      ratio,
      goal,
      met: ratio <= GOAL,
    };
  }
}

/** Each run continues with the refresh tokens that the previous run has received. */
function takeTokens(load: Load) {
  let tokens = load.refreshTokens;
  return async (generator: Generator) => {
    const measured = await generator.run(tokens ? { ...load, refreshTokens: tokens } : load);
    if (tokens) tokens = [...measured.refreshTokens, ...tokens.slice(measured.refreshTokens.length)];
    return measured;
  };
}
