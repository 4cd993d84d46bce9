import { Agent, request } from 'node:http';
import { Arrivals } from './arrivals.ts';
import { type Group, writeDocument } from './documents.ts';
import { createPopulation, type Population } from './population.ts';
import { mulberry32, pick, type Random } from './random.ts';
import { nextRate } from './rate-control.ts';

/** What to send, and how much of it. */
export type LoadOptions = {
  /** Address of the app, for example `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Whole number; another one means other users, other documents and other timing. */
  readonly seed: number;
  /** Requests per second over all routes. */
  readonly rate: number;
  /** Distinct users. Default: 5000. */
  readonly users?: number;
  /** Hears how the last second went. */
  readonly onSecond?: (report: LoadReport) => void;
};

/** One second of load. Latencies count from when a request was due, so that a slow generator cannot hide a slow app. */
export type LoadReport = {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly open: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lateMs: number;
  /** Requests per second offered next. */
  readonly rate: number;
};

const ROUTES = ['/summarize', '/digest'] as const;
/** Documents of each group: enough that rare kinds are as rare as they should be, whatever the seed. */
const DOCUMENTS = 3000;
const USERS = 5000;

type Tally = { sent: number; failed: number; lateMs: number; latenciesMs: number[] };

/** Sends load to the app until stopped. */
export class LoadRun {
  readonly #options: LoadOptions;
  readonly #random: Random;
  readonly #population: Population;
  readonly #bodies: Readonly<Record<Group, readonly Buffer[]>>;
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  readonly #arrivals: Arrivals;
  readonly #seconds: NodeJS.Timeout;
  #tally: Tally = newTally();
  #open = 0;
  #next: NodeJS.Timeout | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = mulberry32(options.seed);
    this.#population = createPopulation(this.#random, options.users ?? USERS);
    this.#bodies = { team: this.#write('team'), public: this.#write('public') };
    this.#arrivals = new Arrivals(this.#random, options.rate, performance.now());
    this.#seconds = setInterval(() => this.#closeSecond(), 1000);
    this.#schedule();
  }

  /** Sends nothing more and ends open connections. */
  stop(): void {
    clearInterval(this.#seconds);
    clearTimeout(this.#next);
    this.#next = undefined;
    this.#agent.destroy();
  }

  #write(group: Group): readonly Buffer[] {
    const text = () => JSON.stringify({ text: writeDocument(this.#random, group) });
    return Array.from({ length: DOCUMENTS }, () => Buffer.from(text()));
  }

  #schedule(): void {
    const waitMs = Math.max(0, this.#arrivals.nextMs - performance.now());
    this.#next = setTimeout(() => {
      for (const dueMs of this.#arrivals.due(performance.now())) this.#send(dueMs);
      this.#schedule();
    }, waitMs);
  }

  #send(dueMs: number): void {
    const user = this.#population.next(this.#random);
    const body = pick(this.#random, this.#bodies[user.group]);
    const path = pick(this.#random, ROUTES);
    const tally = this.#tally;
    tally.sent += 1;
    tally.lateMs = Math.max(tally.lateMs, performance.now() - dueMs);
    this.#open += 1;
    let isDone = false;
    const done = (isFailed: boolean): void => {
      if (isDone) return;
      isDone = true;
      this.#open -= 1;
      if (isFailed) this.#tally.failed += 1;
      this.#tally.latenciesMs.push(performance.now() - dueMs);
    };
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      'x-user-id': user.id,
      'x-user-group': user.group,
    };
    const call = request(
      new URL(path, this.#options.url),
      { method: 'POST', agent: this.#agent, headers },
      (response) => {
        response.resume();
        response.once('end', () => done((response.statusCode ?? 500) >= 500));
        response.once('close', () => done(true));
      },
    );
    call.once('error', () => done(true));
    call.end(body);
  }

  #closeSecond(): void {
    const { sent, failed, lateMs, latenciesMs } = this.#tally;
    this.#tally = newTally();
    const rate = nextRate(this.#arrivals.rate, this.#options.rate, { lateMs, open: this.#open });
    this.#arrivals.rate = rate;
    const sorted = latenciesMs.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const answered = sorted.length;
    this.#options.onSecond?.({
      sent,
      answered,
      failed,
      open: this.#open,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      lateMs,
      rate,
    });
  }
}

function newTally(): Tally {
  return { sent: 0, failed: 0, lateMs: 0, latenciesMs: [] };
}
