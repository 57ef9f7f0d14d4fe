import { statSync } from "node:fs";

interface TestFile {
  readonly path: string;
}

/**
 * Starts the files of the mesh first, because a long one that started last would run alone. The order is the same on every
 * machine: jest's own starts with what took longest there before, and repeats failed files on request.
 */
export default class TestSequencer {
  sort(files: readonly TestFile[]): readonly TestFile[] {
    return files.toSorted((left, right) => weightOf(right) - weightOf(left));
  }

  allFailedTests = (files: readonly TestFile[]): readonly TestFile[] => files;
  cacheResults = (): void => undefined;
}

function weightOf({ path }: TestFile): number {
  const { size } = statSync(path);
  return path.includes("/test/mesh/") ? size + 1_000_000 : size;
}
