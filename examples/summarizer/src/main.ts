import { createClient } from '@rampart/sdk';
import { createApp } from './app.ts';

/** Runs the app: settings from `RAMPART_URL`, `RAMPART_TOKEN`, `RAMPART_FLUSH_MS` (default 5000), `PORT` (default 3000). */
async function main(): Promise<void> {
  const { RAMPART_URL, RAMPART_TOKEN, RAMPART_FLUSH_MS = '5000', PORT = '3000' } = process.env;
  const client = createClient({
    ...(RAMPART_URL === undefined ? {} : { url: RAMPART_URL }),
    ...(RAMPART_TOKEN === undefined ? {} : { token: RAMPART_TOKEN }),
    flushIntervalMs: Number(RAMPART_FLUSH_MS),
    onEvent: (event) => {
      if (event.type === 'error') console.error(`rampart ${event.code}: ${event.message}`);
    },
  });
  await client.ready();
  const app = createApp(client);
  const url = await app.listen({ port: Number(PORT), host: '127.0.0.1' });
  console.log(`summarizer listens at ${url}`);
  process.send?.({ url });
  const stop = async (): Promise<void> => {
    await app.close();
    await client.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, () => void stop());
}

await main();
