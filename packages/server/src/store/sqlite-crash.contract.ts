/**
 * The victim of `sqlite-crash.test.ts`: writes to the store file named by its argument from several writers at once and
 * prints a line for each acknowledged write, until it is killed.
 */
import { writeSync } from 'node:fs';
import { openSqliteStore } from './sqlite-store.ts';

const WRITERS = 8;
const [, , file = '', round = ''] = process.argv;

writeSync(1, 'opening\n');
const store = await openSqliteStore({ file });
await Promise.all(Array.from({ length: WRITERS }, (_, i) => writeForever(`writer ${i}`)));

async function writeForever(stream: string): Promise<void> {
  let version = (await store.getDocument('counter', stream))?.version ?? 0;
  for (let n = 0; ; n += 1) {
    const id = `${round}/${stream}/${n}`;
    const result = await store.append({
      stream,
      expectedVersion: version,
      events: [{ at: n, by: 'victim', type: 'Written', data: id }],
      projection: { kind: 'counter', key: stream, value: id },
      outbox: [{ key: id, destination: 'd', kind: 'k', body: null, dueAt: 0 }],
      checkpoint: { key: stream, expectedVersion: version, value: id },
    });
    if (!result.ok) throw new Error(`${stream} is the only writer of its stream, yet met ${JSON.stringify(result)}`);
    version += 1;
    writeSync(1, `event ${id}\n`);
    await store.putTelemetry({ batchId: id, receivedAt: n, rollouts: ['r'], body: id });
    writeSync(1, `telemetry ${id}\n`);
  }
}
