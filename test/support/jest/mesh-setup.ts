import { buildTestRelease } from "../start/release.ts";
import startPostgres from "./postgres-setup.ts";

export default async function setup(): Promise<void> {
  await startPostgres(); // first, because it makes the temporary folder of this run
  await buildTestRelease();
}
