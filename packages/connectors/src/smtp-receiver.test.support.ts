import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { PeerBehaviour } from './outbound.contract.ts';

/** What a server of mail got: one transaction. */
export type Taken = { readonly from: string; readonly to: readonly string[]; readonly data: string };

/** A server of mail on the loopback that can show every behaviour that SMTP knows. */
export type SmtpReceiver = {
  readonly port: number;
  readonly taken: readonly Taken[];
  /** Lines that clients wrote, their mails aside. */
  readonly lines: readonly string[];
  readonly given: (behaviour: PeerBehaviour) => Promise<void>;
  /** Answers instead of the usual ones, by the beginning of a command: `RCPT TO:<ana@example.com>`. */
  readonly answer: (answers: Readonly<Record<string, string>>) => void;
  readonly strayed: () => number;
  readonly flooded: () => number;
  readonly now: () => number;
  /** Fires when a command has arrived that will have no answer. */
  readonly deadline: () => AbortSignal;
  readonly stop: () => Promise<void>;
};

/** Behaviours of HTTP that SMTP has no words for. */
export const NOT_OF_SMTP: readonly PeerBehaviour[] = ['status-410', 'busy-seconds', 'busy-date'];

/** Answers by the beginning of a command. */
const BY_BEHAVIOUR: Readonly<Partial<Record<PeerBehaviour, Readonly<Record<string, string>>>>> = {
  'status-400': { 'RCPT TO': '550 5.1.1 no such user' },
  'status-401': { AUTH: '535 5.7.8 bad credentials' },
  'status-403': { '.': '554 5.7.1 this looks like spam' },
  'status-404': { 'MAIL FROM': '553 5.1.8 no such sender' },
  'status-500': { 'MAIL FROM': '451 4.3.0 try later' },
  'status-503': { greeting: '421 4.3.2 closing' },
  // SMTP's own redirect (RFC 5321 §3.4): it names another place.
  redirects: { 'RCPT TO': '551 5.1.6 not here; try <user@elsewhere.example>' },
  malformed: { greeting: 'HTTP/1.1 400 Bad Request' },
};

/** Starts one. `tls`: offers STARTTLS with it. */
export async function startSmtpReceiver(tls?: { readonly key: Buffer; readonly cert: Buffer }): Promise<SmtpReceiver> {
  const sockets = new Set<Socket>();
  const state = {
    behaviour: 'accepts' as PeerBehaviour,
    answers: {} as Readonly<Record<string, string>>,
    taken: [] as Taken[],
    lines: [] as string[],
    flooded: 0,
    late: new AbortController(),
    context: tls && createSecureContext(tls),
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (state.behaviour === 'cuts') socket.destroy();
    else talk(socket, state, true);
  });
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  await listen(server, 0);
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    taken: state.taken,
    lines: state.lines,
    async given(next) {
      Object.assign(state, {
        behaviour: next,
        answers: BY_BEHAVIOUR[next] ?? {},
        flooded: 0,
        late: new AbortController(),
      });
      state.taken.length = 0;
      if (next === 'absent') await close();
      else if (!server.listening) await listen(server, port);
    },
    answer(answers) {
      state.answers = answers;
    },
    strayed: () => 0,
    flooded: () => state.flooded,
    now: () => 0,
    deadline: () => state.late.signal,
    stop: close,
  };
}

type State = {
  behaviour: PeerBehaviour;
  answers: Readonly<Record<string, string>>;
  taken: Taken[];
  lines: string[];
  flooded: number;
  late: AbortController;
  context: SecureContext | undefined;
};
type Mail = { from: string; to: string[]; data: string };

/** One conversation, from the greeting or from the start of TLS on. */
function talk(socket: Socket, state: State, isPlain: boolean): void {
  let rest = '';
  let isData = false;
  let mail: Mail = { from: '', to: [], data: '' };
  const say = (text: string): void => {
    if (socket.writable) socket.write(`${text}\r\n`);
  };
  const startTls = (context: SecureContext): void => {
    say('220 go ahead');
    socket.removeAllListeners('data');
    const secured = new TLSSocket(socket, { isServer: true, secureContext: context });
    secured.on('error', () => undefined);
    talk(secured, state, false);
  };
  const command = (line: string): void => {
    state.lines.push(line);
    const own = Object.entries(state.answers).find(([start]) => line.startsWith(start))?.[1];
    if (state.behaviour === 'hangs') state.late.abort();
    else if (state.behaviour === 'floods') flood(socket, state);
    else if (line === 'STARTTLS' && state.context !== undefined) startTls(state.context);
    else {
      isData = own === undefined && line === 'DATA';
      say(own ?? usual(line, isPlain && state.context !== undefined));
      if (own === undefined || own.startsWith('2')) mail = noted(mail, line);
    }
  };
  const end = (): void => {
    isData = false;
    const own = state.answers['.'];
    if (state.behaviour === 'breaks') socket.end('25');
    else say(own ?? '250 2.0.0 taken');
    if (own === undefined && state.behaviour !== 'breaks') state.taken.push(mail);
  };
  const dataLine = (line: string): void => {
    if (line === '.') end();
    else mail.data += `${line}\r\n`;
  };
  socket.on('data', (part: Buffer) => {
    const [...lines] = (rest + part.toString()).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) (isData ? dataLine : command)(line);
  });
  if (isPlain) say(state.answers.greeting ?? '220 fake ESMTP');
}

function usual(line: string, offersTls: boolean): string {
  if (line.startsWith('EHLO')) return `250-fake\r\n${offersTls ? '250-STARTTLS\r\n' : ''}250 AUTH PLAIN LOGIN`;
  if (line.startsWith('AUTH')) return '235 2.7.0 welcome';
  if (line === 'STARTTLS') return '502 5.5.1 not here';
  if (line === 'DATA') return '354 go on';
  return line === 'QUIT' ? '221 bye' : '250 2.1.0 ok';
}

function noted(mail: Mail, line: string): Mail {
  const [, address = ''] = /<(.*)>/.exec(line) ?? [];
  if (line.startsWith('MAIL FROM')) return { from: address, to: [], data: '' };
  return line.startsWith('RCPT TO') ? { ...mail, to: [...mail.to, address] } : mail;
}

function flood(socket: Socket, state: State): void {
  const part = `250-${'x'.repeat(900)}\r\n`.repeat(70);
  const more = () => {
    while (socket.writable) {
      state.flooded += part.length;
      if (socket.write(part)) continue;
      socket.once('drain', more);
      return;
    }
  };
  more();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
