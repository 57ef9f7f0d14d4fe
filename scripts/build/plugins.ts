import { readFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import type { Plugin } from "esbuild";

/**
 * Sources find files by paths relative to themselves. In a bundle, these start where the source would be: all bundles with
 * such paths are one folder below the root of the release, which has the layout of the sources. `import.meta.filename`
 * is left alone: by its extension, a source knows whether it is bundled.
 */
export function sourcePaths(root: string): Plugin {
  return {
    name: "source-paths",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = relative(root, path);
        if (source.startsWith("node_modules")) return null;
        const text = await readFile(path, "utf8");
        const contents = text
          .replaceAll("import.meta.dirname", `(import.meta.dirname + "/../${dirname(source)}")`)
          .replaceAll("import.meta.url", `new URL("../${source}", import.meta.url).href`);
        return { contents, loader: "ts" };
      });
    },
  };
}

/** Parts that packages load and no node uses: TypeORM's drivers of other databases, and Moleculer's command line. */
const UNUSED = /typeorm\/driver\/[\w-]+\/\w+Driver\.js$|moleculer\/src\/runner(-esm)?\.m?js$/;

export const withoutUnusedParts: Plugin = {
  name: "without-unused-parts",
  setup(build) {
    build.onLoad({ filter: UNUSED }, ({ path }) =>
      path.endsWith("/PostgresDriver.js") ? null : { contents: "export default undefined;", loader: "js" },
    );
  },
};
