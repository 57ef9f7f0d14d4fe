import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** A body with its compressed forms. */
export interface Compressed {
  readonly body: Buffer;
  readonly brotli: Buffer;
  readonly gzip: Buffer;
}

/** Larger bodies get a lower quality, because the best quality of brotli would take seconds. */
const LARGE_BYTES = 262_144;

export async function compress(body: Buffer): Promise<Compressed> {
  const quality = body.length > LARGE_BYTES ? 5 : constants.BROTLI_MAX_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
  const [brotli, gzipped] = await Promise.all([
    promisify(brotliCompress)(body, { params }),
    promisify(gzip)(body, { level: 9 }),
  ]);
  return { body, brotli, gzip: gzipped };
}

/** The form that the client's `Accept-Encoding` allows, with its headers. */
export function encodedFor(
  { body, brotli, gzip }: Compressed,
  accepted: string | string[] | undefined,
): { readonly body: Buffer; readonly headers: readonly string[] } {
  const encoding = chooseEncoding(String(accepted ?? ""));
  if (encoding === null) return { body, headers: ["Vary", "Accept-Encoding"] };
  const headers = ["Vary", "Accept-Encoding", "Content-Encoding", encoding];
  return { body: encoding === "br" ? brotli : gzip, headers };
}

/** RFC 9110 section 12.5.3, as far as browsers use it: `q=0` refuses a coding. */
function chooseEncoding(accepted: string): "br" | "gzip" | null {
  const codings = accepted
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
  const accepts = (name: string) =>
    codings.some((one) => one.split(";")[0]?.trim() === name && !/;\s*q=0(?:\.0*)?$/.test(one));
  if (accepts("br")) return "br";
  return accepts("gzip") ? "gzip" : null;
}
