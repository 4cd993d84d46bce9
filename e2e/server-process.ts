import { mkdirSync } from 'node:fs';
import { startServer } from '@rampart/server';

/** A control plane as a process of its own: `server-process.ts DIR PORT [SETTINGS as JSON]`. Prints its address and first tokens as one JSON line. */
const [dataDir = '.', port = '0', settings = '{}'] = process.argv.slice(2);
mkdirSync(dataDir, { recursive: true });
const server = await startServer({
  dataDir,
  port: Number(port),
  environment: 'production',
  settings: JSON.parse(settings),
});
process.stdout.write(`${JSON.stringify({ url: server.url, firstToken: server.firstToken })}\n`);
process.on('SIGTERM', () => {
  void server.close().then(() => process.exit(0));
});
