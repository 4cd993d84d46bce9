import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Flag, Ruleset } from '@rampart/flags';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRulesetStream, MAX_UNREAD_BYTES, RING_SIZE, type RulesetStream } from './ruleset-stream.ts';
import { openSse } from './sse-reader.test.support.ts';

const flag = (value: string): Flag => ({ key: 'f', enabled: true, variants: { a: value }, defaultVariant: 'a' });
const at = (revision: number, value = String(revision)): Ruleset => ({
  ...{ schema: 1, environment: 'production', revision, segments: {} },
  flags: { f: flag(value) },
});

let stream: RulesetStream;
let ended: string[];
let futures: number[];
let port: number;
let stop: () => void;

beforeEach(async () => {
  // Those of a test before may end late: they write into their own lists.
  const names: string[] = [];
  ended = names;
  futures = [];
  stream = createRulesetStream({ random: () => 0.5, onFuture: (theirs) => void futures.push(theirs) });
  const server = createServer((request, response) => {
    const revision = new URL(request.url ?? '', 'http://x').searchParams.get('revision');
    const name = String(request.headers['x-name']);
    stream.serve(
      response,
      revision === null ? undefined : Number(revision),
      (isClean) => void names.push(isClean ? `${name} left` : name),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  stop = () => {
    stream.close();
    server.close();
    server.closeAllConnections();
  };
});
afterEach(() => stop());

const open = (revision?: number) =>
  openSse(`http://127.0.0.1:${port}/${revision === undefined ? '' : `?revision=${revision}`}`, {});

describe('the ruleset stream', () => {
  it('patches whoever is at most a ring behind, and sends the rest the whole', async () => {
    for (let revision = 1; revision <= RING_SIZE + 1; revision += 1) stream.publish(at(revision));
    const current = RING_SIZE + 1;
    const oldest = await open(2);
    expect(await oldest.next()).toMatchObject({ event: 'patch', data: { fromRevision: 2, revision: current } });
    const older = await open(1);
    expect(await older.next()).toMatchObject({ event: 'put', data: at(current) });
    const future = await open(current + 1);
    expect(await future.next()).toMatchObject({ event: 'put', id: String(current) });
    expect(futures).toEqual([current + 1]);
    expect(oldest.text()).toMatch(/^retry: 1500\n\n/);
    await Promise.all([oldest, older, future].map((reader) => reader.cancel()));
  });

  it('sends every client each revision in order, and tells when one leaves', async () => {
    stream.publish(at(1));
    const readers = await Promise.all([open(1), open(1), open(1)]);
    for (let revision = 2; revision <= 20; revision += 1) stream.publish(at(revision));
    for (const reader of readers) {
      for (let revision = 2; revision <= 20; revision += 1) {
        expect(await reader.next()).toMatchObject({ event: 'patch', data: { fromRevision: revision - 1, revision } });
      }
    }
    expect(stream.size()).toBe(3);
    await Promise.all(readers.map((reader) => reader.cancel()));
    while (stream.size() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual(Array.from({ length: 3 }, () => 'undefined left'));
  });

  it('drops a client that does not read, and no other', async () => {
    stream.publish(at(1));
    const good = await open(1);
    const stalled = connect(port, '127.0.0.1');
    stalled.write('GET /?revision=1 HTTP/1.1\r\nhost: x\r\nx-name: stalled\r\n\r\n');
    stalled.pause();
    while (stream.size() < 2) await new Promise((resolve) => setImmediate(resolve));
    const big = 'x'.repeat(MAX_UNREAD_BYTES);
    for (let revision = 2; stream.size() === 2 && revision < 60; revision += 1) {
      stream.publish(at(revision, big + revision));
      expect(await good.next()).toMatchObject({ data: { revision } });
    }
    expect(ended).toEqual(['stalled']);
    await good.cancel();
    stalled.destroy();
  });

  it('speaks to clients without chunks as well', async () => {
    stream.publish(at(7));
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if (text.includes('"revision":7')) break;
    }
    expect(text).toMatch(/\r\n\r\nretry: 1500\n\nevent: put\nid: 7\n/);
  });
});
