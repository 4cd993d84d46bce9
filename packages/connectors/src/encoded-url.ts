/** A URL in which nothing but the signs of a URL stands: no space, quote or angle bracket. What is encoded already stays so. */
export function encodedUrl(url: string): string {
  return encodeURI(decoded(url));
}

/** So that what is encoded already is not encoded twice. */
function decoded(url: string): string {
  try {
    return decodeURI(url);
  } catch {
    return url;
  }
}
