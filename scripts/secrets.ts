import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { print } from "./run/terminal.ts";
import {
  completeSecrets,
  envFile,
  kubernetesManifest,
  parseEnvFile,
  renderSecrets,
  renderServers,
  type Secrets,
  SOURCE_HEADER,
} from "./secrets/render.ts";

/**
 * `npm run secrets [folder]`: generates what `secrets.env` lacks and writes what each process gets, for docker-compose.yml
 * and as a Kubernetes manifest. Run it again after a change of `secrets.env`, such as another SECRET_KEY or address.
 */
async function writeSecrets(dir: string): Promise<void> {
  const source = join(dir, "secrets.env");
  const all = completeSecrets(parseEnvFile(await readIfExists(source)));
  await writePrivate(source, SOURCE_HEADER + envFile(all));
  const compose: Readonly<Record<string, Secrets>> = { ...renderSecrets(all, "compose"), ...renderServers(all) };
  for (const [name, values] of Object.entries(compose))
    await writePrivate(join(dir, "compose", `${name}.env`), envFile(values));
  await writePrivate(join(dir, "kubernetes.yaml"), kubernetesManifest(renderSecrets(all, "kubernetes")));
  await writePrivate(join(dir, "kubernetes-dev.yaml"), kubernetesManifest(compose));
  print(`${source}: all secrets, generated where they were missing. The first administrator's password is in it.
${join(dir, "compose")}: for \`docker compose up --build\`.
${join(dir, "kubernetes.yaml")}: for \`kubectl apply -f\`, one Secret per service.
${join(dir, "kubernetes-dev.yaml")}: the same for k8s/overlays/dev, with those of its servers.`);
}

async function readIfExists(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

/** Complete or not at all: an interrupted run must not lose the only copy of a secret. */
async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

await writeSecrets(process.argv[2] ?? "secrets");
