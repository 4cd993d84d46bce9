import { startServer } from '@rampart/server';

/** A control plane as a process of its own whose clock the parent sets: `workflow-process.ts DIR PORT EPOCH_MS SETTINGS_JSON`. */
const [dataDir = '.', port = '0', startAt = '0', settings = '{}'] = process.argv.slice(2);
let now = Number(startAt);
const { server, ...started } = await start();
const tell = (message: object) => void process.send?.(message);

async function start() {
  const log = { info: () => undefined, warn: print('warn'), error: print('error') };
  const opened = await startServer({
    ...{ dataDir, port: Number(port), log, environment: 'production' },
    clock: { now: () => now },
    settings: JSON.parse(settings),
    webhookPolicy: { allowedHosts: ['127.0.0.1'] },
  });
  const { url, firstToken } = opened;
  return { server: opened, url, firstToken };
}

function print(level: string) {
  return (_: object, message: string) => void process.stderr.write(`${level}: ${message}\n`);
}

/** Moves the clock, has all that goes on by itself look, and tells how many messages wait for their delivery. */
async function moveTo(at: number): Promise<void> {
  now = at;
  await server.reconciler.wakeAll();
  await Promise.all([server.preflight.wakeAll(), server.cleanups.wakeAll(), server.dispatcher.drain()]);
  tell({ pending: (await server.store.stats()).outboxPending });
}

process.on('message', (at: number) => void moveTo(at));
tell(started);
