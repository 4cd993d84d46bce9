import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type PlaneFake, startPlaneFake } from '../spec/plane-fake.ts';

type Delivery = { readonly path: string; readonly id: string; readonly type: string; readonly data: unknown };

/** What a rollout meets outside: a tracker, a dashboard, a channel for messages and the next step of the workflow. */
export type World = {
  readonly plane: PlaneFake;
  readonly url: string;
  /** What was posted to the channel (`/ops`) and to the next step (`/next`), each delivery once. */
  readonly deliveries: readonly Delivery[];
  readonly settings: object;
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
};

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Starts a world of one's own, on loopback. */
export async function startWorld(): Promise<World> {
  const plane = await startPlaneFake();
  const deliveries: Delivery[] = [];
  const outside = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      const { url: path = '' } = request;
      const isNew = !deliveries.some((one) => one.path === path && one.id === id);
      if (request.method === 'POST' && isNew) deliveries.push({ path, id, ...JSON.parse(body) });
      response.end('ok');
    });
  });
  const url = await listening(outside);
  return {
    plane,
    url,
    deliveries,
    settings: {
      allowedHosts: ['127.0.0.1'],
      allowPrivate: true,
      publicUrl: 'https://rampart.example.com',
      trackers: {
        plane: {
          kind: 'plane',
          url: plane.url,
          apiKey: { secretRef: 'WORKFLOW_PLANE_KEY' },
          workspace: 'samsam',
          project: 'ROLL',
        },
      },
      notify: {
        channels: { ops: { kind: 'webhook', url: `${url}/ops`, secret: { secretRef: 'WORKFLOW_SECRET' } } },
        routes: [{ channel: 'ops' }],
      },
    },
    env: { WORKFLOW_PLANE_KEY: plane.apiKey, WORKFLOW_SECRET: SECRET },
    async stop() {
      outside.closeAllConnections();
      outside.close();
      await plane.stop();
    },
  };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
