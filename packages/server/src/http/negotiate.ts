/**
 * Which of the media types that can be answered an `Accept` prefers (RFC 9110 §12.5.1): the highest quality, and of equals the first
 * of `offered`, which is also the answer where nothing is asked for or nothing fits.
 */
export function preferredOf<T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  const asked = (accept ?? '').split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((one) => one.trim().toLowerCase());
    const quality = Number(/^q=([\d.]+)$/.exec(parameters.find((one) => one.startsWith('q=')) ?? '')?.[1] ?? 1);
    return { type, quality };
  });
  const qualityOf = (offer: string): number => {
    const [group = ''] = offer.split('/');
    const found = [offer, `${group}/*`, '*/*'].map((type) => asked.find((one) => one.type === type));
    return found.find((one) => one !== undefined)?.quality ?? 0;
  };
  return offered.reduce((best, one) => (qualityOf(one) > qualityOf(best) ? one : best));
}
