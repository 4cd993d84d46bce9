import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openSqliteStore } from './sqlite-store.ts';

const ROUNDS = 20;
const MOST_LINES = 400;
const victim = fileURLToPath(new URL('./sqlite-crash.contract.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'rampart-crash-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Mulberry32: the same kills in every run, as far as the scheduler allows. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs the victim and kills it on its `killAt`-th line; gives every line it managed to print. */
async function runAndKill(file: string, round: number, killAt: number, onLine: () => void): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--conditions=@rampart/source', victim, file, `round ${round}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const complaints: string[] = [];
  child.stderr.on('data', (chunk) => complaints.push(String(chunk)));
  const end = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    onLine();
    if (lines.length === killAt) child.kill('SIGKILL');
  }
  expect({ endedBy: await end, complaints }).toEqual({ endedBy: 'SIGKILL', complaints: [] });
  return lines;
}

/** A second process on the same file, alive throughout: it writes whenever the victim has written. */
async function openBeside(file: string, round: number) {
  const store = await openSqliteStore({ file });
  const stream = `beside ${round}`;
  const asked: Promise<string>[] = [];
  const append = async (expectedVersion: number) => {
    const id = `${stream}/${expectedVersion}`;
    const result = await store.append({
      stream,
      expectedVersion,
      events: [{ at: 1, by: 'survivor', type: 'Written', data: id }],
      outbox: [{ key: id, destination: 'd', kind: 'k', body: null, dueAt: 0 }],
    });
    expect(result.ok).toBe(true);
    return id;
  };
  return {
    write: () => void asked.push(append(asked.length)),
    async close() {
      const ids = await Promise.all(asked);
      await store.close();
      return ids;
    },
  };
}

function missing(acknowledged: ReadonlySet<string>, found: readonly unknown[]): readonly string[] {
  const present = new Set(found);
  return [...acknowledged].filter((id) => !present.has(id));
}

it('a store killed twenty times while writing has every acknowledged write once, whole, in an unbroken chain', async () => {
  const file = join(directory, 'store.db');
  const random = seeded(20_260_101);
  const acknowledged = { event: new Set<string>(), telemetry: new Set<string>() };
  for (let round = 0; round < ROUNDS; round += 1) {
    // Every fifth round dies while it opens (and recovers) the file.
    const killAt = round % 5 === 0 ? 1 : 1 + Math.floor(random() * MOST_LINES);
    const beside = round % 2 === 1 ? await openBeside(file, round) : undefined;
    for (const line of await runAndKill(file, round, killAt, () => beside?.write())) {
      const [, kind, id] = /^(event|telemetry) (.+)$/.exec(line) ?? [];
      if (id !== undefined) acknowledged[kind === 'event' ? 'event' : 'telemetry'].add(id);
    }
    for (const id of (await beside?.close()) ?? []) acknowledged.event.add(id);
    const store = await openSqliteStore({ file });
    const events = await store.readEvents(0, 1e6);
    const written = events.map(({ data }) => String(data));
    const telemetry = (await store.telemetryAfter('r', 0, 1e6)).map(({ body }) => body);
    expect(missing(acknowledged.event, written)).toEqual([]);
    expect(missing(acknowledged.telemetry, telemetry)).toEqual([]);
    expect(new Set(written).size).toBe(written.length);
    expect(new Set(telemetry).size).toBe(telemetry.length);
    expect(await store.verifyChain()).toMatchObject({ ok: true, events: written.length });
    expect((await store.listOutbox('pending', 1e6)).map(({ key }) => key)).toEqual(written);
    for (const { key: stream, version, value } of await store.listDocuments('counter')) {
      const last = events.findLast((event) => event.stream === stream);
      expect([version, value]).toEqual([last?.version, last?.data]);
      expect(await store.getCheckpoint(stream)).toEqual({ version, value });
    }
    await store.close();
  }
  expect(acknowledged.event.size).toBeGreaterThan(ROUNDS);
}, 120_000);
