import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { renderChart } from "./helm/chart.ts";
import { print } from "./run/terminal.ts";

const VALUES = "values.yaml";

/**
 * `npm run helm [folder]`: writes the chart that k8s/base and k8s/overlays/production describe. A `values.yaml` that is there
 * is kept, because the operator may have edited it.
 */
async function writeChart(folder: string): Promise<void> {
  const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === false) {
    process.stderr.write(`${folder} is a file. Name a folder for the chart.\n`);
    process.exit(1);
  }
  for (const [path, text] of Object.entries(renderChart(version))) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    if (path === VALUES && existsSync(file)) print(`${file} is kept. For the values of this version, delete it first.`);
    else await writeFile(file, text);
  }
  print(
    `${folder}: a chart for Helm 3. Next: helm upgrade --install usermesh ${folder} --namespace usermesh --values <yours>`,
  );
}

await writeChart(process.argv[2] ?? "usermesh-chart");
