/** Base64url without padding (RFC 4648 section 5). */
export function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * The bytes of `text`, or null unless `encode` would return exactly this text for them. Node's decoder skips invalid
 * characters and ignores unused bits of the last one, so a modified token could decode to the same bytes.
 */
export function decodeCanonical(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : null;
}
