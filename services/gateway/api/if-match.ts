import { AppError } from "../../../lib/actions/errors.ts";

const TAGS = /^\s*(?:W\/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W\/)?"[\x21\x23-\x7e]*"\s*)*$/;

/**
 * The tags of an `If-Match` header (RFC 9110 section 13.1.1). Undefined if the request has no condition, or `*`, which is
 * always met because the resource exists. A weak tag is kept as it is, and matches none of ours.
 */
export function readIfMatch(header: string | undefined): readonly string[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  if (header.length > 1_000 || !TAGS.test(header))
    throw new AppError("bad_request", {
      message: 'If-Match must be entity tags in quotes, such as "2026-11-20T12:00:00.000Z".',
    });
  return header.split(",").map((tag) => tag.trim());
}
