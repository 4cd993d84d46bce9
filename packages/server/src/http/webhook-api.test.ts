import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAN, type Rig, startRig } from '../server-rig.test.support.ts';

let r: Rig;
beforeAll(async () => {
  r = await startRig({ webhookPolicy: { allowPrivate: true } });
});
afterAll(() => r.dispose());

describe('webhooks', () => {
  it('are sent what happens, signed, and what cannot be delivered becomes a dead letter that can be revived', async () => {
    let status = 400;
    const received: { id: string; body: { type: string } }[] = [];
    let heard: () => void = () => undefined;
    const receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          id: String(request.headers['webhook-id']),
          body: JSON.parse(Buffer.concat(chunks).toString()),
        });
        response.writeHead(status).end();
        heard();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const hook = { name: 'ops', url: `http://127.0.0.1:${address.port}/hook`, events: ['attempt.started'] };
    await expect(r.admin.putWebhooks([hook])).rejects.toMatchObject({ code: 'BODY_INVALID' });
    expect(await r.admin.putWebhooks([{ ...hook, secret }])).toEqual([hook]);
    expect(JSON.stringify(await r.admin.getWebhooks())).not.toContain(secret);
    const untilHeard = () =>
      new Promise<void>((resolve) => {
        heard = resolve;
      });
    const settled = (pending: number, dead: number) =>
      new Promise<void>((resolve) => {
        const look = async () => {
          const { outboxPending, outboxDead } = await r.server.store.stats();
          if (outboxPending === pending && outboxDead === dead) resolve(stop());
        };
        const stop = r.server.store.onChange(() => void look());
        void look();
      });
    const first = untilHeard();
    const { state } = await r.admin.createRollout({ text: PLAN });
    await r.admin.command(state.id, { type: 'Start' });
    await first;
    expect(received[0]).toMatchObject({ id: `${state.id}:2`, body: { type: 'attempt.started' } });
    await settled(0, 1);
    const [letter] = await r.admin.listDeadLetters();
    expect(letter).toMatchObject({
      destination: 'webhook:ops',
      type: 'attempt.started',
      rollout: state.id,
      lastError: expect.stringContaining('400'),
    });
    status = 204;
    const second = untilHeard();
    await r.admin.retryDeadLetter(letter!.id);
    await second;
    expect(received[1]?.id).toBe(received[0]?.id);
    await settled(0, 0);
    await expect(r.admin.retryDeadLetter('999')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    receiver.close();
  });
});
