import { namesOf, type Variable, variables } from "./variables.ts";

type Defaults = Readonly<Partial<Record<keyof typeof variables, string>>>;

/** The documented defaults of earlier systems, where they are not ours: docs/compatibility.md. */
const profiles: Readonly<Record<string, Defaults>> = {
  "job-dashboard": { APP_PORT: "8001", PASSWORD_POLICY: "classic", ALLOWED_ORIGINS: "*", DB_MAX_OVERFLOW: "20" },
  meetinity: {
    APP_PORT: "8081",
    ACCESS_TOKEN_EXPIRE_MINUTES: "1440",
    REFRESH_TOKEN_EXPIRE_DAYS: "30",
    AVATAR_FORMATS: "jpg,png,gif",
    ALLOWED_ORIGINS: "http://localhost:3000,http://localhost:3001,http://localhost:8080",
  },
  rbac: { LOG_FILE: "logs/user_service.log" },
  notification: {
    APP_PORT: "8000",
    ACCESS_TOKEN_EXPIRE_MINUTES: "60",
    REFRESH_TOKEN_EXPIRE_DAYS: "1",
    DB_POOL_SIZE: "50",
    ACCOUNT_DELETION_GRACE_DAYS: "never",
  },
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment, completed with the defaults of USERMESH_PROFILE. A variable that is set under any of its names stays. */
export function withProfile(env: Environment): Environment {
  const defaults = profiles[env.USERMESH_PROFILE?.trim().toLowerCase() ?? ""] ?? {};
  const unset = Object.entries(defaults).filter(([name]) =>
    namesOf(name, variables[name as keyof typeof variables] as Variable).every((one) => !env[one.name]),
  );
  return { ...env, ...Object.fromEntries(unset) };
}
