/** One frame of a stream. */
type Frame = { readonly event: string; readonly id: string; readonly data: unknown };

/** A stream under reading. */
export type SseReader = {
  readonly headers: Headers;
  /** The next frame; comments and `retry` are skipped. Rejects when the stream ends first. */
  readonly next: () => Promise<Frame>;
  /** Everything read so far. */
  readonly text: () => string;
  readonly cancel: () => Promise<void>;
};

/** Opens a stream and reads its frames one by one. */
export async function openSse(url: string, headers: Readonly<Record<string, string>>): Promise<SseReader> {
  const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } });
  if (response.status !== 200 || response.body === null)
    throw new Error(`the stream answered ${response.status}: ${await response.text()}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let read = '';
  let rest = '';
  const next = async (): Promise<Frame> => {
    for (;;) {
      const end = rest.indexOf('\n\n');
      if (end >= 0) {
        const block = rest.slice(0, end);
        rest = rest.slice(end + 2);
        const frame = frameIn(block);
        if (frame !== undefined) return frame;
        continue;
      }
      const chunk = await reader.read();
      if (chunk.done) throw new Error(`the stream ended after ${read}`);
      read += chunk.value;
      rest += chunk.value;
    }
  };
  return { headers: response.headers, next, text: () => read, cancel: () => reader.cancel() };
}

function frameIn(block: string): Frame | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
  );
  const data = fields.get('data');
  return data === undefined
    ? undefined
    : { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) };
}
