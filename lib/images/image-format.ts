import { fileTypeFromBuffer } from "file-type";

/** The formats that can be decoded, by their usual file extensions. */
export const imageFormats: readonly string[] = ["jpg", "png", "gif", "webp"];

/** Detected from the content, because a name or a declared type says nothing about it. */
export async function isInFormat(bytes: Uint8Array, formats: readonly string[]): Promise<boolean> {
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  return type !== undefined && formats.includes(type.ext) && imageFormats.includes(type.ext);
}
