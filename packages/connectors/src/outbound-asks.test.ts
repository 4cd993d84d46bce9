import { afterAll, beforeAll, describe, it } from 'vitest';
import { type OutboundHarness, outboundContract, type PeerBehaviour } from './outbound.contract.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';
import { replyInSlack } from './slack-click.ts';
import { probeUrl } from './url-probe.ts';

const SECRET = 'planted-4f9d1c77';
const policy = { allowedHosts: ['127.0.0.1'], allowPrivate: true };

/** What asks once and leaves repeating to whoever asked: anything but a success is told, and that is all. */
const FAILURES: readonly PeerBehaviour[] = [
  ...(['status-400', 'status-401', 'status-403', 'status-404', 'status-410', 'status-500', 'status-503'] as const),
  ...(['busy-seconds', 'busy-date', 'redirects', 'hangs', 'cuts', 'absent'] as const),
];
const refusedAt = (behaviours: readonly PeerBehaviour[]) =>
  Object.fromEntries(behaviours.map((behaviour) => [behaviour, { kind: 'refused' }] as const));

const ASKS = {
  'an address of pre-flight': async ({ url, deadline }: Receiver) => {
    const asked = await probeUrl(`${url}/${SECRET}`, { policy, signal: deadline() });
    return asked.ok ? undefined : asked.why;
  },
  'an answer to a click in Slack': ({ url }: Receiver) =>
    replyInSlack(`${url}/${SECRET}`, { text: 'done', isPublic: true }, { policy, apiUrl: url, timeoutMs: 1_000 }),
} as const;

describe.each(Object.entries(ASKS))('%s', (name, ask) => {
  // A page that has no end, or that breaks off, is none.
  const unread: readonly PeerBehaviour[] = name === 'an address of pre-flight' ? ['floods', 'breaks'] : [];
  const expected = refusedAt([...FAILURES, ...unread]);
  let peer: Receiver;
  beforeAll(async () => {
    peer = await startReceiver({ accepts: { status: 200, body: 'ok' } });
  });
  afterAll(() => peer.stop());

  const harness = (): OutboundHarness => ({
    ...{ given: peer.given, strayed: peer.strayed, flooded: peer.flooded, secrets: [SECRET], told: () => [], expected },
    async attempt() {
      const why = await ask(peer);
      return why === undefined ? { kind: 'done' } : { kind: 'refused', why };
    },
  });
  const cases = outboundContract().filter(({ name }) => !name.startsWith('ends as retry'));
  it.each(cases.map((one) => [one.name, one.run] as const))('%s', (_name, run) => run(harness()));
});
