import { describe, expect, test } from "@jest/globals";
import { parseKeyRing } from "../../../lib/crypto/key-ring.ts";
import { createBulkhead } from "../../../lib/runtime/bulkhead.ts";
import { createPasswordHashing } from "../../../services/auth/password/password-hashing.ts";

const bulkhead = createBulkhead({ concurrency: 1, queue: 100 });
const hashing = createPasswordHashing({ ring: parseKeyRing(`k1:${"o".repeat(32)}`), cost: 4, bulkhead });
const credential = "0199a3c4-7c5e-7000-8000-000000000001";

const ours = "l\u00e8tmein 7";
const keycloak = (algorithm: string, hashIterations: number, salt: string, value: string) =>
  JSON.stringify({
    type: "password",
    secretData: JSON.stringify({ value, salt, additionalParameters: {} }),
    credentialData: JSON.stringify({ hashIterations, algorithm, additionalParameters: {} }),
  });

/** Made by the systems themselves. Each entry: the system, what made or published the hash, the password and the hash. */
const vectors: ReadonlyArray<readonly [system: string, source: string, password: string, hash: string]> = [
  ["Django pbkdf2_sha1", "Django 5.2.17", ours, "pbkdf2_sha1$1000$seasalt$cvJtQEvFDTv9XO0MrTBhrjJu4ww="],
  [
    "Django argon2",
    "Django 5.2.17",
    ours,
    "argon2$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ$zycjSy3hcOufgMOxSLKOZ0/tXPZuG2BkILLAUHMxr4E",
  ],
  [
    "Django bcrypt_sha256",
    "Django 5.2.17",
    ours,
    "bcrypt_sha256$$2b$05$oObLzQtTp0Dmj0jn3dgW7eKl71a0snN0wTBv7//yePJLpDivrvO/6",
  ],
  ["Django bcrypt", "Django 5.2.17", ours, "bcrypt$$2b$05$qmiD7CLS4McESsrAuPefLOJOSYSqc3DcNusvwy4L.gvQKUMWiS9aC"],
  [
    "Django scrypt",
    "Django 5.2.17",
    ours,
    "scrypt$1024$seasalt$8$5$d2YnRahIlp15WvQ2nm56Y648YmBPJ4nz6ykelqnkWjdHGQ193gfgIUmGU0EuAU8VFLdX9lrvwhxMZcu2JJufTQ==",
  ],
  ["Django md5", "Django 5.2.17", ours, "md5$seasalt$b03db4ca1dacfc95960fe5ac3ef35c98"],
  ["Django sha1", "Django's test_hashers.py", "l\u00e8tmein", "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8"],
  [
    "Django pbkdf2_sha256",
    "Django's test_hashers.py",
    "letmein",
    "pbkdf2_sha256$10000$seasalt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y=",
  ],
  ["LDAP SSHA", "passlib 1.7.4", ours, "{SSHA}ejT4pIIiGneCbgpctv4UaqnuDXjYG2Ms"],
  ["LDAP SSHA256", "passlib 1.7.4", ours, "{SSHA256}eGJYm16GJxj17S2UINs7JbukcdvbeSie6Gh0rBTGs5PWGqOUUgoBoA=="],
  [
    "LDAP SSHA512",
    "passlib 1.7.4",
    ours,
    "{SSHA512}g+jMJS4FPh6oaIVptHLQptD1MbZXrrbj/0jdAYrwZIW4uHQcv7sFYOFRajkT4FYMya0mf2i6gSEDIAdvdJa70hyj9L639v6f",
  ],
  [
    "LDAP SSHA384",
    "OpenLDAP's slappasswd, from the tests of openssl_slappasswd.sh",
    "slappasswd-static",
    "{SSHA384}lqwDJ57bh4yXnb7ED+l2mS74Vm8PgJZK1VlcUi7CypJLujqwFjpvqNdQTpttPJ0wrW4JbsugjuI=",
  ],
  ["passlib PBKDF2-SHA1", "passlib 1.7.4", ours, "$pbkdf2$1000$z5kz5lxrTUkpRShlDIGQkg$uLE5rEWlHXIgDISbY8w2jzsVoD8"],
  [
    "passlib PBKDF2-SHA256",
    "passlib 1.7.4",
    ours,
    "$pbkdf2-sha256$1000$y3nvXUsJodQaw1hrrfX.nw$n7WsrRz4FlRdKA8YAmIX078egcmxyDuD0.lGEFoupVI",
  ],
  [
    "passlib PBKDF2-SHA512",
    "passlib 1.7.4",
    ours,
    "$pbkdf2-sha512$1000$QAhhbA0hBOB8z1nrXcu5Fw$bxpZ0hpgB4n9zu1Mscg3PpU6OFTu7kYlsvRzhY5WbGuWvr5BWLdvjnFguhvGypzR/tHQDGG1wVEWElwemOKfAw",
  ],
  ["phpass", "phpass's test.php", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"],
  ["phpBB", "passlib's tests", "123456", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1"],
  ["WordPress before 6.8", "FusionAuth's example plugin", "123456", "$P$BVaXtDXwf/ceSVp8VpLKx8bS2Y4O5F/"],
  ["phpass", "passlib 1.7.4", ours, "$P$6UF/UthdDJD1sEZFvR09rKhNb6XZpN1"],
  [
    "WordPress 6.8",
    "seanmorris/php-wasm's WordPress demo",
    "admin",
    "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES",
  ],
  [
    "Werkzeug PBKDF2",
    "Werkzeug 3.1.9",
    ours,
    "pbkdf2:sha256:1000$1IIXdNaMhorDksfJ$02a299c5c2c9229bf544236f1996350a7a10abb953323123788e198b382defae",
  ],
  [
    "Werkzeug scrypt",
    "Werkzeug 3.1.9",
    ours,
    "scrypt:1024:8:1$wDGHKeEt0EbHw6dI$6e1d5d0a870cf99fb45e1eeb61e2505c2eee2688305e38dcc31be9273ba44b796a4a575812ee8359ef93e1003e8e91e480575f7384dcce5144a4c9798d03f85a",
  ],
  [
    "ASP.NET Identity v2",
    "aspnetcore's PasswordHasherTest",
    "my password",
    "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
  ],
  [
    "ASP.NET Identity v2, a salt that begins with other bits",
    "Python's hashlib.pbkdf2_hmac",
    "my password",
    "APfCqR5dC4g0qmH/AsR76VGFJvjhTGoqbRufMFUjUmjfYHqjEcpbi0id9AyexdFy3w==",
  ],
  [
    "ASP.NET Identity v3",
    "aspnetcore's PasswordHasherTest",
    "my password",
    "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
  ],
  [
    "ASP.NET Identity v3, SHA-512",
    "aspnetcore's PasswordHasherTest",
    "my password",
    "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
  ],
  [
    "ASP.NET Identity v3, 32 bytes of salt",
    "aspnetcore's PasswordHasherTest",
    "my password",
    "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=",
  ],
  [
    "Firebase scrypt",
    "supabase/auth's password_test.go",
    "mytestpassword",
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
  ],
  [
    "Keycloak PBKDF2-SHA256",
    "solo-io's realm export",
    "password",
    keycloak("pbkdf2-sha256", 27_500, "P5rtFkGtPfoaryJ6PizUJw==", "JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k="),
  ],
  [
    "Keycloak PBKDF2-SHA1",
    "passlib 1.7.4, whose bytes these are",
    ours,
    keycloak("pbkdf2", 1_000, "z5kz5lxrTUkpRShlDIGQkg==", "uLE5rEWlHXIgDISbY8w2jzsVoD8="),
  ],
  [
    "Keycloak 24 PBKDF2-SHA512",
    "a dump of Keycloak's table",
    "password",
    keycloak(
      "pbkdf2-sha512",
      210_000,
      "JaBKqx57IIB/dLDTpWBu+Q==",
      "5IL4kCCyOerhaEHfdK1BbjYxO6HitYLRtJOxwD8MUZH5wCgc1edmf35rWiP9sRxEwnQDstxch8twKh08Usi1fQ==",
    ),
  ],
  [
    "Keycloak PBKDF2-SHA512",
    "passlib 1.7.4, whose bytes these are",
    ours,
    keycloak(
      "pbkdf2-sha512",
      1_000,
      "QAhhbA0hBOB8z1nrXcu5Fw==",
      "bxpZ0hpgB4n9zu1Mscg3PpU6OFTu7kYlsvRzhY5WbGuWvr5BWLdvjnFguhvGypzR/tHQDGG1wVEWElwemOKfAw==",
    ),
  ],
];

describe.each(vectors)("a hash of %s (%s)", (_system, _source, password, hash) => {
  test("verifies with its password only, before and after it is wrapped", async () => {
    const plain = hashing.importHash(hash, credential);
    const wrapped = await hashing.wrap(plain, credential);
    for (const stored of [plain, wrapped]) {
      await expect(hashing.verify(password, stored, credential)).resolves.toMatchObject({ ok: true, outdated: true });
      await expect(hashing.verify(`${password}x`, stored, credential)).resolves.toMatchObject({ ok: false });
      await expect(hashing.verify("", stored, credential)).resolves.toMatchObject({ ok: false });
    }
  });

  test("wrapped, contains nothing that can be guessed at without our bcrypt, and can be exported and imported", async () => {
    const wrapped = await hashing.wrap(hashing.importHash(hash, credential), credential);
    const exported = hashing.exportHash(wrapped, credential);
    for (const part of hash
      .split(/[$}":,\\]+/)
      .slice(-3)
      .filter((one) => one.length >= 22 && !isSalt(one, exported)))
      expect(exported).not.toContain(part);
    expect([hashing.isWeak(hashing.importHash(hash, credential)), hashing.isWeak(wrapped)]).toEqual([true, false]);
    const again = hashing.importHash(exported, credential);
    await expect(hashing.verify(password, again, credential)).resolves.toMatchObject({ ok: true });
    expect(hashing.exportHash(again, credential)).toBe(exported);
  });
});

/** Parameters are kept, unlike results. */
function isSalt(part: string, exported: string): boolean {
  const { digests } = JSON.parse(exported.slice(exported.indexOf("$") + 1));
  return JSON.stringify(digests).includes(part.replaceAll(".", "+"));
}

test("a bcrypt hash of an earlier cost is wrapped, and verifies as before", async () => {
  const costlier = createPasswordHashing({ ring: parseKeyRing(`k1:${"o".repeat(32)}`), cost: 6, bulkhead });
  const wrapped = await costlier.wrap(await hashing.hash("SecurePass123", credential), credential);
  await expect(costlier.verify("SecurePass123", wrapped, credential)).resolves.toMatchObject({
    ok: true,
    outdated: true,
  });
  await expect(costlier.verify("SecurePass124", wrapped, credential)).resolves.toMatchObject({ ok: false });
  const costliest = createPasswordHashing({ ring: parseKeyRing(`k1:${"o".repeat(32)}`), cost: 7, bulkhead });
  const twice = await costliest.wrap(wrapped, credential);
  expect([costliest.isWeak(wrapped), costliest.isWeak(twice)]).toEqual([true, false]);
  await expect(costliest.verify("SecurePass123", twice, credential)).resolves.toMatchObject({ ok: true });
});

test.each([
  ["scrypt with 256 MiB", "scrypt$262144$seasalt$8$1$d2YnRahIlp15WvQ2nm56Y648YmBPJ4nz6ykelqnkWjc="],
  ["scrypt with too many lanes", "scrypt$16384$seasalt$8$17$d2YnRahIlp15WvQ2nm56Y648YmBPJ4nz6ykelqnkWjc="],
  ["phpass with 2^19 rounds", "$P$HIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"],
  [
    "ASP.NET with 2^32-1 iterations",
    "AQAAAAH/////AAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
  ],
  ["Keycloak with too many iterations", keycloak("pbkdf2", 2_000_001, "AAAA", "uLE5rEWlHXIgDISbY8w2jzsVoD8=")],
  ["Keycloak with a result of 65 bytes", keycloak("pbkdf2", 1_000, "AAAA", Buffer.alloc(65).toString("base64"))],
])("%s would cost too much and is refused", (_what, hash) => {
  expect(() => hashing.importHash(hash, credential)).toThrow(expect.objectContaining({ code: "too_costly" }));
});

test.each([
  "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=AAAA$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y",
  "scrypt$1000$seasalt$8$1$d2YnRahIlp15WvQ2nm56Y648YmBPJ4nz6ykelqnkWjc=",
  "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L",
  "$wp$2y$10$short",
  "md5$seasalt$b03d",
  "{SSHA}AAAA",
  "{SSHA256}ejT4pIIiGneCbgpctv4UaqnuDXjYG2Ms",
  "AQAAAAEAACcQAAAA/wABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
  "AQAAAAkAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
  "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1u",
  "{}",
  "{not json",
  keycloak("pbkdf2", 0, "AAAA", "uLE5rEWlHXIgDISbY8w2jzsVoD8="),
  keycloak("pbkdf2", 1_000, "AAAA", "AAAA"),
  "bcrypt-wrapped$",
  ["bcrypt-wrapped", '{"digests":[{}],"bcryptHash":"x"}'].join("$"),
])("a malformed hash is refused (%s)", (hash) => {
  expect(() => hashing.importHash(hash, credential)).toThrow(expect.objectContaining({ code: "malformed" }));
});
