import { type ChildProcess, spawn } from "node:child_process";
import { extname, join } from "node:path";
import { createBulkhead } from "../runtime/bulkhead.ts";
import { type DecodedImages, type DecodeRequest, type ImagePurpose, TOO_COMPLEX_EXIT_CODE } from "./decode-reply.ts";

type DecodeProblem = "too_many_pixels" | "not_an_image" | "too_complex";
type Outcome<P extends ImagePurpose> = DecodedImages[P] | { readonly problem: DecodeProblem };

export interface ImageDecoder {
  /** Rejects with the signal's reason when it is aborted; a picture that is being decoded then is given up. */
  decode<P extends ImagePurpose>(bytes: Buffer, purpose: P, signal: AbortSignal): Promise<Outcome<P>>;
  close(): void;
}

/** A source in development, built in a release. */
const PROGRAM = join(import.meta.dirname, `decode-process${extname(import.meta.filename)}`);
/** JavaScript needs little: what remains of the child's memory is for libvips. */
const NODE_FLAGS = ["--max-old-space-size=32", "--max-semi-space-size=1"];
/** No secrets: a fault of a decoder must not give them away. One thread, and freed memory is returned at once. */
const ENVIRONMENT = {
  VIPS_CONCURRENCY: "1",
  UV_THREADPOOL_SIZE: "1",
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "0",
};

/** Decodes one picture after the other in a child process, which starts with the first one and is kept. */
export function createImageDecoder({ queue }: { readonly queue: number }): ImageDecoder {
  const inTurn = createBulkhead({ concurrency: 1, queue });
  let child: ChildProcess | null = null;

  return {
    decode: <P extends ImagePurpose>(bytes: Buffer, purpose: P, signal: AbortSignal) =>
      inTurn(async () => {
        signal.throwIfAborted();
        child = isRunning(child) ? child : startChild();
        try {
          return await decodeIn<P>(child, { bytes, purpose }, signal);
        } finally {
          // Started in advance: the next picture does not wait for it.
          if (!isRunning(child)) child = startChild();
        }
      }),
    close() {
      child?.kill("SIGKILL");
      child = null;
    },
  };
}

function isRunning(child: ChildProcess | null): child is ChildProcess {
  return child !== null && child.exitCode === null && child.signalCode === null && !child.killed && child.connected;
}

function startChild(): ChildProcess {
  const child = spawn(process.execPath, [...NODE_FLAGS, PROGRAM], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    env: ENVIRONMENT,
  });
  // The exit tells what happened; without a listener, an error would end this process.
  child.on("error", () => undefined);
  // It must not keep this process alive, and ends when this process does.
  child.unref();
  child.channel?.unref();
  return child;
}

function decodeIn<P extends ImagePurpose>(child: ChildProcess, request: DecodeRequest, signal: AbortSignal) {
  return new Promise<Outcome<P>>((resolve, reject) => {
    const finish = () => {
      signal.removeEventListener("abort", onAbort);
      child.off("message", onMessage).off("exit", onExit);
    };
    const onMessage = (reply: unknown) => {
      finish();
      resolve(reply as Outcome<P>);
    };
    const onExit = (code: number | null) => {
      finish();
      resolve({ problem: code === TOO_COMPLEX_EXIT_CODE ? "too_complex" : "not_an_image" });
    };
    const onAbort = () => {
      finish();
      child.kill("SIGKILL");
      reject(signal.reason);
    };
    child.on("message", onMessage).on("exit", onExit);
    signal.addEventListener("abort", onAbort);
    child.send(request);
  });
}
