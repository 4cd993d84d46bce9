import { startServer } from '@rampart/server';

/** What the benchmark asks of the server process. */
export type Ask =
  /** Moves the server's clock forward and has every rollout looked at. */
  | { readonly type: 'advance'; readonly ms: number }
  /** `collect`: what is live on the heap, which takes a garbage collection. */
  | { readonly type: 'usage'; readonly collect: boolean }
  /** Closes the server as an operator would. */
  | { readonly type: 'close' };

/** What the server process answers. */
export type Told =
  | { readonly type: 'ready'; readonly url: string; readonly tokens?: { readonly admin: string; readonly sdk: string } }
  | { readonly type: 'advanced' }
  /** CPU time since its start in seconds: all threads, and the main one alone. Memory in bytes. */
  | {
      readonly type: 'usage';
      readonly cpu: number;
      readonly mainCpu: number;
      readonly rss: number;
      readonly liveHeap?: number;
    };

/** `ingest-server.ts DIR OFFSET`: a control plane on the store in DIR, whose clock is OFFSET ms ahead. */
const [dataDir = '', offset = '0'] = process.argv.slice(2);
let aheadMs = Number(offset);
const clock = { now: () => Date.now() + aheadMs };
const say = (level: string) => (fields: object, message: string) =>
  void process.stderr.write(`${level}: ${message} ${JSON.stringify(fields)}\n`);
const log = { info: () => undefined, warn: say('warn'), error: say('error') };
const server = await startServer({ dataDir, port: 0, clock, log });
const tell = (message: Told) => process.send?.(message);

const seconds = ({ user, system }: { readonly user: number; readonly system: number }) => (user + system) / 1e6;

process.on('message', (ask: Ask) => {
  if (ask.type === 'advance') {
    aheadMs += ask.ms;
    void server.reconciler.wakeAll().then(() => tell({ type: 'advanced' }));
  } else if (ask.type === 'usage') {
    const [cpu, mainCpu] = [seconds(process.cpuUsage()), seconds(process.threadCpuUsage())];
    if (ask.collect) gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    tell({ type: 'usage', cpu, mainCpu, rss, ...(ask.collect && { liveHeap: heapUsed }) });
  } else {
    void server.close().then(() => process.exit());
  }
});
// A benchmark that fails leaves nothing behind.
process.on('disconnect', () => process.exit());
tell({ type: 'ready', url: server.url, ...(server.firstToken && { tokens: server.firstToken }) });
