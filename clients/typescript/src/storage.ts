/** The state of a client between requests. With cookies, the browser has the tokens and only `csrfToken` is kept here. */
export interface StoredSession {
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly csrfToken: string | null;
  /** Changes with every refresh: another tab that waited for it need not refresh again. */
  readonly version: string;
}

export interface SessionStorage {
  read(): StoredSession | null;
  write(session: StoredSession | null): void;
}

/** Keeps the session in memory, until the page or the process ends. */
export function memoryStorage(): SessionStorage {
  let session: StoredSession | null = null;
  return {
    read: () => session,
    write(next) {
      session = next;
    },
  };
}

/** Shares the session between the tabs of an origin. Scripts of the page can read it, so prefer cookies where you can. */
export function browserStorage(key = "usermesh", store: Storage = localStorage): SessionStorage {
  return {
    read() {
      const text = store.getItem(key);
      return text === null ? null : (JSON.parse(text) as StoredSession);
    },
    write(session) {
      if (session === null) store.removeItem(key);
      else store.setItem(key, JSON.stringify(session));
    },
  };
}
