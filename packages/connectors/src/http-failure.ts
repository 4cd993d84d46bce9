import { SourceFailure } from './source-failure.ts';
import { ADDRESS_REFUSED } from './url-guard.ts';

/** Why a request over HTTP got no answer at all, by the code of the network: its message may hold the address. */
export function networkFailure(error: unknown, place: string, isOver: boolean): SourceFailure {
  if (error instanceof SourceFailure) return error;
  if (isOver) return new SourceFailure(`${place} did not answer in time`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === ADDRESS_REFUSED)
    return new SourceFailure(
      `${place} is not on the public internet; list the host in allowedHosts if it may be called`,
    );
  return new SourceFailure(`${place} cannot be reached (${code})`);
}
