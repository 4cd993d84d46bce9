import { ProblemError } from '@rampart/api';
import { MediaError } from '../otlp/media-error.ts';
import { encodingOf, MEDIA_TYPES, successBody } from '../otlp/otlp-answer.ts';
import { LARGEST_BODY, readBody } from '../otlp/read-body.ts';
import type { ExportedSignal, OtlpReceiver } from '../otlp/receiver.ts';
import type { Answer, Ask, Handlers } from './handler.ts';

/** Exports taken at once. */
const MOST_AT_ONCE = 64;
/** Unpacked bytes of exports held at once; in memory they become several times that. */
const MOST_BYTES = 4 * LARGEST_BODY;

/** JSON names of the number of what was rejected, by signal. */
const REJECTED_FIELD: Readonly<Record<ExportedSignal, string>> = {
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  traces: 'rejectedSpans',
};

/** Routes of the OTLP/HTTP receiver. */
export function otlpHandlers(receiver: OtlpReceiver): Handlers<'exportMetrics' | 'exportLogs' | 'exportTraces'> {
  let underWay = 0;
  let bytes = 0;
  const handle =
    (signal: ExportedSignal) =>
    async (ask: Ask): Promise<Answer> => {
      const encoding = encodingOf(ask.header('content-type'));
      if (encoding === undefined) {
        const received = ask.header('content-type') ?? 'none';
        throw new MediaError(`Content-Type ${received} is not taken; send ${Object.values(MEDIA_TYPES).join(' or ')}.`);
      }
      if (underWay >= MOST_AT_ONCE) throw busy();
      underWay += 1;
      let size = 0;
      try {
        const body = await readBody(ask.raw, ask.header('content-encoding'));
        if (bytes + body.length > MOST_BYTES) throw busy();
        size = body.length;
        bytes += size;
        const rejected = await receiver.take(signal, encoding, body);
        const content = successBody(encoding, REJECTED_FIELD[signal], rejected);
        return { bytes: { mediaType: MEDIA_TYPES[encoding], content } };
      } finally {
        underWay -= 1;
        bytes -= size;
      }
    };
  return { exportMetrics: handle('metrics'), exportLogs: handle('logs'), exportTraces: handle('traces') };
}

function busy(): ProblemError {
  return new ProblemError(
    'RATE_LIMITED',
    'As many exports are being taken as there is room for; this one has to wait.',
  );
}
