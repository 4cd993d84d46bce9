import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import type { PostgresConnection } from './postgres-query.ts';
import { freePort } from './prometheus.test.support.ts';

/** Where Debian keeps the programs of a cluster; they are not on the path. */
const HOME = '/usr/lib/postgresql';
const bin = (existsSync(HOME) ? readdirSync(HOME) : [])
  .map((version) => join(HOME, version, 'bin'))
  .find((path) => existsSync(join(path, 'initdb')));

/** Whether a real PostgreSQL is here (`apt-get install postgresql`). In CI its absence is a failure, not a reason to skip. */
export const SKIP_POSTGRES = process.env.CI === undefined && bin === undefined;

const PASSWORD = 'correct horse';

/** A private cluster. */
export type RunningPostgres = {
  /** As a user who can only read, over TCP with a password, without TLS. */
  readonly connection: PostgresConnection;
  /** Certificate of the server in PEM, for its address; its own authority. */
  readonly certificate: string;
  /** Runs statements as the owner. */
  readonly run: (sql: string) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** PostgreSQL refuses to run as root. */
const isRoot = userInfo().uid === 0;
const asOwner = (program: string, args: readonly string[]): [string, string[]] => {
  const path = join(bin ?? '', program);
  return isRoot ? ['runuser', ['-u', 'postgres', '--', path, ...args]] : [path, [...args]];
};

function giveToOwner(path: string): void {
  if (!isRoot) return;
  const idOf = (what: '-u' | '-g') => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }));
  chownSync(path, idOf('-u'), idOf('-g'));
}

/** Starts a cluster of its own in a directory of its own, on a free port of the loopback. */
export async function startPostgres(): Promise<RunningPostgres> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-postgres-'));
  giveToOwner(dir);
  const data = join(dir, 'data');
  const [keyFile, certFile] = [join(dir, 'server.key'), join(dir, 'server.crt')];
  const subject = ['-subj', '/CN=rampart-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', certFile, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'pipe' });
  giveToOwner(keyFile);
  const [initdb, initArgs] = asOwner('initdb', ['-D', data, '-U', 'owner', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
  execFileSync(initdb, initArgs, { stdio: 'pipe', cwd: dir });
  writeFileSync(join(data, 'pg_hba.conf'), 'local all owner trust\nhost all all 127.0.0.1/32 scram-sha-256\n');
  const port = await freePort();
  const [server, args] = asOwner('postgres', [
    ...['-D', data, '-p', String(port), '-k', dir],
    ...['-c', 'ssl=on', '-c', `ssl_key_file=${keyFile}`, '-c', `ssl_cert_file=${certFile}`],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'timezone=Pacific/Auckland'],
  ]);
  const child = spawn(server, args, { stdio: 'ignore', cwd: dir, detached: true });
  const kill = () => signal(child, 'SIGKILL');
  process.once('exit', kill);
  const owner = await untilReady(child, { host: dir, port, user: 'owner', database: 'postgres' });
  const run = async (sql: string) => void (await owner.query(sql));
  await run(`CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'; GRANT pg_read_all_data TO reader`);
  return {
    connection: {
      host: '127.0.0.1',
      port,
      database: 'postgres',
      user: 'reader',
      password: PASSWORD,
      tls: 'off',
      policy: { allowedHosts: ['127.0.0.1'] },
    },
    certificate: readFileSync(certFile, 'utf8'),
    run,
    async stop() {
      await owner.end();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      signal(child, 'SIGINT');
      await ended;
      process.off('exit', kill);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** To the whole group: `runuser` stands before the server. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, name);
}

const READY_TRIES = 300;
const READY_EVERY_MS = 50;

/** A connection, as soon as there can be one. */
async function untilReady(child: ChildProcess, config: ClientConfig): Promise<Client> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    if (child.exitCode !== null) throw new Error(`postgres ended with code ${child.exitCode} before it was ready`);
    const client = new Client(config);
    const isReady = await client.connect().then(
      () => true,
      () => false,
    );
    if (isReady) return client;
    await new Promise((resolve) => setTimeout(resolve, READY_EVERY_MS));
  }
  signal(child, 'SIGKILL');
  throw new Error('postgres was not ready in time');
}
