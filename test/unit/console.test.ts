import { Console } from "node:console";
import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { expect, test } from "@jest/globals";
import { redirectConsole } from "../../lib/observability/console.ts";
import { createLog } from "../../lib/observability/log.ts";

function textOf(): Writable & { text: string } {
  const sink = Object.assign(new Writable(), { text: "" });
  sink._write = (chunk, _encoding, done) => {
    sink.text += chunk;
    done();
  };
  return sink;
}

test("what libraries write to the console, and warnings of Node.js, are entries of the log, each once", () => {
  const [bare, lines] = [textOf(), textOf()];
  const console = new Console(bare);
  const process = new EventEmitter();
  process.on("warning", (warning: Error) => bare.write(`(node:1) ${warning.message}`));
  redirectConsole(createLog({ level: "info", file: undefined, pretty: false }, lines), { console, process });
  for (let reconnection = 0; reconnection < 3; reconnection += 1)
    console.warn('IMPORTANT! Eviction policy is %s. It should be "noeviction"', "allkeys-lru");
  console.error(new Error("password=hunter2"));
  console.log("a\nb");
  process.emit("warning", Object.assign(new Error("11 listeners added"), { name: "MaxListenersExceededWarning" }));
  expect(bare.text).toBe("");
  const entries = lines.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(entries.map(({ level }) => level)).toEqual(["warn", "error", "info", "warn"]);
  expect(entries[0].message).toBe('IMPORTANT! Eviction policy is allkeys-lru. It should be "noeviction"');
  expect(entries[2].message).toBe("a\nb");
  expect(entries[3].message).toBe("MaxListenersExceededWarning: 11 listeners added");
});
