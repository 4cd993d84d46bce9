import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { ProblemError } from '@rampart/api';
import { MediaError } from './media-error.ts';

/** Largest body taken, after decompression, bytes. */
export const LARGEST_BODY = 16 * 1024 * 1024;

/**
 * The body of a request, unpacked. It is read no further than the limit, packed or unpacked, so a small body that unpacks
 * to a huge one costs no more than the limit.
 * @throws ProblemError `BODY_TOO_LARGE`, `BODY_INVALID` @throws MediaError
 */
export async function readBody(request: IncomingMessage, encoding: string | undefined): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name !== 'gzip' && name !== 'identity' && name !== '') {
    throw new MediaError(`Content-Encoding "${encoding}" is not taken; send gzip or identity.`);
  }
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) throw tooLarge();
  const packed = await collect(request);
  return name === 'gzip' ? unpack(packed) : packed;
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function unpack(packed: Buffer): Promise<Buffer> {
  const gunzip = createGunzip();
  gunzip.end(packed);
  try {
    return await collect(gunzip);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ProblemError('BODY_INVALID', `The body is not gzip, as its Content-Encoding says: ${why}.`);
  } finally {
    gunzip.destroy();
  }
}

function tooLarge(): ProblemError {
  return new ProblemError('BODY_TOO_LARGE', `The body is larger than ${LARGEST_BODY} bytes; export smaller batches.`);
}
