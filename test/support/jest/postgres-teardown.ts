export default async function teardown(): Promise<void> {
  const running = globalThis.usermeshTestPostgres;
  globalThis.usermeshTestPostgres = undefined;
  await running?.stop();
}
