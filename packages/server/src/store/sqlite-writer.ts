/**
 * The writer thread: the only place that changes a store file. Requests that arrive while a transaction commits are
 * executed together in the next one, so one fsync serves them all. Started by `sqlite-writer-client.ts`.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { failureOf } from './sqlite-failure.ts';
import { createGroupCommit, type Execute } from './sqlite-group-commit.ts';
import { openForWriting } from './sqlite-open.ts';
import type { FromWriter, Outcome, Request, ToWriter, WriterOptions } from './sqlite-request.ts';
import {
  createClaim,
  createPrune,
  createPutTelemetry,
  createPutTelemetryWith,
  createRevive,
  createSettle,
} from './sqlite-upkeep.ts';
import { createWrite } from './sqlite-write.ts';

type Asked = Exclude<ToWriter, 'close'>;

/** Bounds the time one group keeps the next one, which may hold an abort, waiting. */
const GROUP_LIMIT = 256;

if (parentPort) start(parentPort, workerData);

function start(port: MessagePort, options: WriterOptions): void {
  const tell = (message: FromWriter) => port.postMessage(message);
  try {
    const db = openForWriting(options);
    serve(port, db, createGroupCommit(db, options.file, createExecute(db)), tell);
    tell({ opened: true });
  } catch (error) {
    tell({ failed: failureOf(error, options.file) });
    port.close();
  }
}

function serve(
  port: MessagePort,
  db: DatabaseSync,
  commitGroup: (group: readonly Request[]) => readonly Outcome[],
  tell: (message: FromWriter) => void,
): void {
  port.on('message', (first: ToWriter) => {
    const queue = createQueue(first);
    for (;;) {
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) queue.add(next.message);
      const group = queue.take();
      if (group.length === 0) break;
      const outcomes = commitGroup(group.map(({ request }) => request));
      tell({ answers: group.flatMap(({ id }, i) => (outcomes[i] ? [{ id, outcome: outcomes[i] }] : [])) });
    }
    if (!queue.closing()) return;
    db.close();
    port.close();
  });
}

/** Telemetry comes in bulk and can wait; decisions go first. */
function createQueue(first: ToWriter) {
  let urgent: Asked[] = [];
  let telemetry: Asked[] = [];
  let closing = false;
  const add = (message: ToWriter) => {
    if (message === 'close') closing = true;
    else (isTelemetry(message) ? telemetry : urgent).push(message);
  };
  const take = (): readonly Asked[] => {
    const group = [...urgent, ...telemetry.slice(0, Math.max(0, GROUP_LIMIT - urgent.length))].slice(0, GROUP_LIMIT);
    telemetry = telemetry.slice(Math.max(0, group.length - urgent.length));
    urgent = urgent.slice(group.length);
    return group;
  };
  add(first);
  return { add, take, closing: () => closing };
}

function isTelemetry({ request: { op } }: Asked): boolean {
  return op === 'telemetry' || op === 'telemetryWith';
}

function createExecute(db: DatabaseSync): Execute {
  const write = createWrite(db);
  const putTelemetry = createPutTelemetry(db);
  const putTelemetryWith = createPutTelemetryWith(db, putTelemetry);
  const claim = createClaim(db);
  const settle = createSettle(db);
  const revive = createRevive(db);
  const prune = createPrune(db);
  return (request) => {
    if (request.op === 'write') return { value: write(request) };
    if (request.op === 'telemetry') return { value: putTelemetry(request) };
    if (request.op === 'telemetryWith') return { value: putTelemetryWith(request) };
    if (request.op === 'claim') return { value: claim(request) };
    if (request.op === 'settle') return { value: settle(request) };
    if (request.op === 'revive') return { value: revive(request.id) };
    return { value: prune(request) };
  };
}
