/** A page that runs browser code from ui/. */
export interface AppPage {
  /** The module that mounts it, in ui/. */
  readonly entry: string;
  /** Its title, a key of its messages. */
  readonly title: string;
  /** Files in ui/messages/ besides `common`. */
  readonly messages: readonly string[];
  /** Files in ui/styles/ besides those that all pages have, in the order of the cascade. They are sent as one. */
  readonly styles: readonly [string, ...string[]];
  /** It shows other documents of this server in frames. */
  readonly hasFrames?: true;
}

const signIn = { messages: ["sign-in"], styles: ["sign-in"] } as const;

const devMail = { messages: ["dev-mail"], styles: ["dev-mail"], hasFrames: true } as const;

/** The pages with browser code, by their name in the table of routes. docs/pages.md tells how to add one. */
export const appPages = {
  login: { ...signIn, entry: "sign-in/login.page.ts", title: "login.title" },
  register: { ...signIn, entry: "sign-in/register.page.ts", title: "register.title" },
  forgotPassword: { ...signIn, entry: "sign-in/forgot-password.page.ts", title: "forgot.title" },
  verifyEmail: { ...signIn, entry: "sign-in/verify-email.page.ts", title: "verify.title" },
  resetPassword: { ...signIn, entry: "sign-in/reset-password.page.ts", title: "reset.title" },
  account: {
    entry: "account/account.page.ts",
    title: "account.profile",
    messages: ["account", "activity"],
    styles: ["console"],
  },
  admin: {
    entry: "admin/admin.page.ts",
    title: "admin.title",
    messages: ["admin", "activity"],
    styles: ["console", "listing", "record", "figures", "log", "mesh"],
  },
  mailbox: { ...devMail, entry: "dev-mail/mailbox.page.ts", title: "mailbox.title" },
  samples: { ...devMail, entry: "dev-mail/samples.page.ts", title: "samples.title" },
} as const satisfies Readonly<Record<string, AppPage>>;

export type AppPageName = keyof typeof appPages;

/** Stylesheets of all pages, in the order of the cascade. */
export const baseStyles: readonly string[] = ["tokens", "base", "controls", "feedback", "overlays", "layout"];
