import { joinAsOperator } from "./operator/join.ts";
import { startRepl } from "./operator/repl.ts";
import { print, runUntilStopped } from "./run/terminal.ts";

/** `npm run repl`: joins the mesh as an operator. */
await runUntilStopped(async (stack) => startRepl(await joinAsOperator(process.env, stack, print)));
