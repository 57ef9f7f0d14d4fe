/** The images made of an upload, by its purpose. Base64, because they are sent over the bus. */
export interface DecodedImages {
  /** Two squares in WebP, cut from the middle. */
  readonly avatar: { readonly image: string; readonly thumbnail: string };
  /** A square in PNG, in which the whole picture is centred: mail programs show no WebP. */
  readonly logo: { readonly logo: string };
}

export type ImagePurpose = keyof DecodedImages;

export interface DecodeRequest {
  readonly bytes: Uint8Array;
  readonly purpose: ImagePurpose;
}

/** What the child process answers for one picture. */
export type DecodeReply = DecodedImages[ImagePurpose] | { readonly problem: "too_many_pixels" | "not_an_image" };

/** With which the child process ends if a picture takes too much memory or time. */
export const TOO_COMPLEX_EXIT_CODE = 77;
