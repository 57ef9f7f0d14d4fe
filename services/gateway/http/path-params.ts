import { AppError } from "../../../lib/actions/errors.ts";
import type { PathParams } from "./request-context.ts";

const HEX = "[0-9a-fA-F]";
const UUID = new RegExp(`^${HEX}{8}-${HEX}{4}-[1-8]${HEX}{3}-[89abAB]${HEX}{3}-${HEX}{12}$`);
/** Formats of the path parameters. One that is not listed is a UUID, in upper or lower case. */
const FORMATS: Readonly<Record<string, RegExp>> = {
  name: /^[a-z][a-z0-9_-]{0,49}$/,
  provider: /^[a-z][a-z0-9-]{0,31}$/,
  section: /^[a-z]{1,20}$/,
  correlation_id: /^[A-Za-z0-9._:-]{1,128}$/,
  job: /^[\w-]{1,200}$/,
  token: /^[\w.-]{1,512}$/,
  image: /^[0-9a-f]{32}(?:-thumb)?\.webp$/,
  logo: /^[a-z0-9-]{1,63}-[0-9a-f]{16}\.png$/,
  color: /^[0-9a-f]{6}\.css$/,
  file: /^[a-z][a-zA-Z0-9._-]{0,100}-[0-9a-f]{12}\.(?:css|js|svg|png|woff2)$/,
};

/**
 * Checks the parameters of a path, and writes UUIDs in lower case. Throws 404 for a parameter in the wrong format, under
 * which nothing can exist. To be called once the caller is known, so that anonymous callers get 401 whatever they send.
 */
export function readPathParams(sent: PathParams): PathParams {
  const params = Object.entries(sent).map(([name, value]) => {
    const format = FORMATS[name];
    if (!(format ?? UUID).test(value)) throw new AppError("not_found");
    return [name, format ? value : value.toLowerCase()] as const;
  });
  return Object.fromEntries(params);
}
