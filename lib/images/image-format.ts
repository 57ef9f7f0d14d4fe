import { fileTypeFromBuffer } from "file-type";

/** The formats that can be decoded, by their usual file extensions. */
export const imageFormats: readonly string[] = ["jpg", "png", "gif", "webp"];

/** Detected from the content, because the file name and the declared type are chosen by the sender. */
export async function isInFormat(bytes: Uint8Array, formats: readonly string[]): Promise<boolean> {
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  return type !== undefined && formats.includes(type.ext) && imageFormats.includes(type.ext);
}
