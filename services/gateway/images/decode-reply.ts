/** Both images are base64, to cross the bus. */
export type DecodedImages = { readonly image: string; readonly thumbnail: string };

/** What the child process answers for one picture. */
export type DecodeReply = DecodedImages | { readonly problem: "too_many_pixels" | "not_an_image" };

/** With which the child process ends if a picture takes too much memory or time. */
export const TOO_COMPLEX_EXIT_CODE = 77;
