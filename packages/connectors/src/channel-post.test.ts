import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChannelDoor } from './channel-post.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';

const never = new AbortController().signal;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({ accepts: { status: 200 } });
});
afterAll(() => receiver.stop());
const door = (secrets: readonly string[] = []) =>
  openChannelDoor({ policy: { allowedHosts: ['127.0.0.1'] }, now: receiver.now }, { timeoutMs: 20_000, secrets });

describe('the door of channels', () => {
  it('asks for another try where TLS is broken, and tells only the code', async () => {
    const url = `${receiver.url.replace('http:', 'https:')}/planted`;
    const result = await door().deliver({ url, json: {} }, never);
    expect(result).toEqual({ kind: 'retry', why: expect.stringMatching(/^it could not be reached \([A-Z_]+\)$/) });
  });

  it('sends no address inside that is not listed', async () => {
    const closed = openChannelDoor({ policy: {}, now: receiver.now }, { timeoutMs: 20_000, secrets: [] });
    const url = `http://localhost:${receiver.port}/`;
    expect(await closed.deliver({ url, json: {} }, never)).toMatchObject({ kind: 'refused' });
    expect(receiver.seen).toEqual([]);
  });

  it('shows what was said on one line, cut, and without secrets', () => {
    expect(door(['planted']).shown(`not\n  planted, ${'x'.repeat(500)}`)).toMatch(/^not \[secret\], x+$/);
    expect(door().shown('x'.repeat(500))).toHaveLength(200);
  });
});
