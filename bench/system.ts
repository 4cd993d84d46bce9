import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { concurrentExposureLimit, harmLimit, proportionInterval, thresholdExposureLimit } from '@rampart/stats';
import type { BenchResult } from './result.ts';
import type { Case, Outcome, Watch } from './system-rollouts.ts';
import type { Job, Message } from './system-run.ts';
import { BASE_ERROR_RATE } from './system-users.ts';

const ALPHA = 0.05;
const BAD_ERROR_RATE = 0.015;
/** Rollouts of one server and process. */
const CASES_PER_JOB = 25;
/** Groups share no seed, so that no two have the same luck. */
const SEEDS_PER_GROUP = 100_000;

/** Runs a job in a process of its own, which `signal` ends early. */
function runJob(job: Job, onMessage: (message: Message) => void, signal: AbortSignal): Promise<void> {
  const script = fileURLToPath(new URL('./system-run.ts', import.meta.url));
  const child = fork(script, [JSON.stringify(job)], { execArgv: process.execArgv, signal });
  child.on('message', onMessage);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a server with its rollouts ended with code ${code}; see above`)),
    );
  });
}

type Group = Pick<Case, 'form' | 'errorRate'>;

/** Groups by name, the longest rollouts first, so that processes end together. */
const GROUPS = {
  'healthy-short': { form: 'short', errorRate: BASE_ERROR_RATE },
  'healthy-control': { form: 'control', errorRate: BASE_ERROR_RATE },
  bad: { form: 'short', errorRate: BAD_ERROR_RATE },
  double: { form: 'control', errorRate: 2 * BASE_ERROR_RATE },
} as const satisfies Readonly<Record<string, Group>>;

type GroupName = keyof typeof GROUPS;

function jobsOf(counts: Readonly<Record<GroupName, number>>, watch: Watch): readonly Job[] {
  return (Object.keys(GROUPS) as GroupName[]).flatMap((group, place) => {
    const cases: Case[] = Array.from({ length: counts[group] }, (_, index) => {
      return { group, ...GROUPS[group], seed: SEEDS_PER_GROUP * place + index + 1 };
    });
    const size = Math.min(CASES_PER_JOB, Math.ceil(cases.length / availableParallelism()));
    const jobs: Job[] = [];
    while (cases.length > 0) jobs.push({ cases: cases.splice(0, size), watch });
    return jobs;
  });
}

/** Everything that was learned from all processes. */
type Findings = { readonly outcomes: readonly Outcome[]; readonly complaints: readonly string[] };

async function runJobs(jobs: readonly Job[]): Promise<Findings> {
  const waiting = [...jobs];
  const outcomes: Outcome[] = [];
  const complaints: string[] = [];
  const stop = new AbortController();
  const total = jobs.reduce((sum, { cases }) => sum + cases.length, 0);
  const listen = (message: Message) => {
    if (message.type === 'complaint') complaints.push(message.text);
    else outcomes.push(message.outcome);
    process.stderr.write(`\r${outcomes.length} of ${total} rollouts`);
  };
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await runJob(job, listen, stop.signal);
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    stop.abort();
    process.stderr.write('\n');
  }
  return { outcomes, complaints };
}

function share(outcomes: readonly Outcome[], phase: string) {
  const count = outcomes.filter((one) => one.phase === phase).length;
  const { low, high } = proportionInterval(count, outcomes.length, 0.05);
  return { count, of: outcomes.length, share: count / outcomes.length, low, high };
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, p10: at(0.1), median: at(0.5), p90: at(0.9), most: sorted.at(-1) ?? Number.NaN };
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function commonFigures(outcomes: readonly Outcome[]) {
  return {
    peopleAsked: outcomes.filter(({ wasAsked }) => wasAsked).length,
    endings: tally(outcomes.map(({ why }) => why)),
  };
}

/** Healthy rollouts: an abort is a false one, of which there may be α. */
function healthyFigures(outcomes: readonly Outcome[]) {
  if (outcomes.length === 0) return { of: 0 };
  const falseAborts = share(outcomes, 'aborted');
  const allowed = ALPHA + 3 * Math.sqrt((ALPHA * (1 - ALPHA)) / outcomes.length);
  return {
    complete: share(outcomes, 'complete'),
    stillQuietAtGa: share(outcomes, 'monitoring'),
    falseAborts: { ...falseAborts, allowed, isWithin: falseAborts.share <= allowed },
    daysToGa: quantiles(outcomes.flatMap(({ daysToGa }) => daysToGa ?? [])),
    ...commonFigures(outcomes),
  };
}

function medianHarm(outcomes: readonly Outcome[]): number {
  return quantiles(outcomes.map(({ harmful }) => harmful)).median;
}

/** Harmful rollouts: how many were aborted, when, and what it cost people until then. */
function harmfulFigures(outcomes: readonly Outcome[], limits: Readonly<Record<string, number>>) {
  if (outcomes.length === 0) return { of: 0 };
  const aborted = outcomes.filter(({ phase }) => phase === 'aborted');
  return {
    aborted: share(outcomes, 'aborted'),
    days: quantiles(aborted.map(({ days }) => days)),
    harmfulErrors: quantiles(outcomes.map(({ harmful }) => harmful)),
    ...limits,
    harmedPeople: quantiles(outcomes.map(({ harmedUsers }) => harmedUsers)),
    exposedPeople: quantiles(outcomes.map(({ exposedUsers }) => exposedUsers)),
    stages: tally(aborted.map(({ stage }) => stage)),
    ...commonFigures(outcomes),
  };
}

/**
 * Errors that people meet, on average, before any test can know. `bad`: that errors are above 1 %, all the short form asks;
 * a comparison with control could know far earlier. `double`: against the control of a stage with a quarter of everyone.
 */
const LIMITS = {
  bad: thresholdExposureLimit({ alpha: ALPHA, p0: 0.01, p1: BAD_ERROR_RATE }) * (BAD_ERROR_RATE - BASE_ERROR_RATE),
  badAgainstControl: harmLimit({ alpha: ALPHA, ratio: BAD_ERROR_RATE / BASE_ERROR_RATE }),
  double:
    concurrentExposureLimit({ alpha: ALPHA, p: BASE_ERROR_RATE, ratio: 2, controlPerTreatment: 3 }) * BASE_ERROR_RATE,
  doubleAllControl: harmLimit({ alpha: ALPHA, ratio: 2 }),
};

/** What must be 0, and how much there was of everything. */
function wholeness({ outcomes, complaints }: Findings) {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
  return {
    requests: sum(({ placed }) => placed),
    requestsNotInEvidence: sum(({ placed, inEvidence }) => Math.abs(placed - inEvidence)),
    observationsDropped: sum(({ dropped }) => dropped),
    requestsTreatedAfterAbort: sum(({ treatedAfterAbort }) => treatedAfterAbort),
    abortsNotConfirmed: outcomes.filter(({ tookEffect }) => !tookEffect).length,
    serverComplaints: complaints,
    httpRequests: sum(({ httpRequests }) => httpRequests),
  };
}

function countIn(name: string, fallback: number, least = 0): number {
  const count = Number(process.env[name] ?? fallback);
  if (!Number.isInteger(count) || count < least) {
    throw new RangeError(`${name} is ${JSON.stringify(process.env[name])}; give a whole number from ${least} on`);
  }
  return count;
}

/**
 * Rollouts through the whole system, server, SDK and HTTP, on a compressed clock. `HEALTHY` (default: 200, half of them
 * with the comparison against control), `BAD` (100) and `DOUBLE` (100) set their numbers, `STEP_MINUTES` (120) the time
 * between two reports, `QUIET_DAYS` (15, so that the exit gate at 14 is reached) how long 100 % is watched.
 */
export async function run(): Promise<BenchResult> {
  const healthy = countIn('HEALTHY', 200);
  const counts = {
    'healthy-short': Math.ceil(healthy / 2),
    'healthy-control': Math.floor(healthy / 2),
    bad: countIn('BAD', 100),
    double: countIn('DOUBLE', 100),
  };
  const watch = {
    stepMinutes: countIn('STEP_MINUTES', 120, 1),
    longestDays: 60,
    quietDays: countIn('QUIET_DAYS', 15, 1),
  };
  const startedAt = performance.now();
  const findings = await runJobs(jobsOf(counts, watch));
  const { outcomes } = findings;
  const of = (group: GroupName) => outcomes.filter((one) => one.group === group);
  const [bad, double] = [of('bad'), of('double')];
  return {
    name: 'system',
    ratios: {
      ...(bad.length > 0 && { badMedianOverLimit: medianHarm(bad) / LIMITS.bad }),
      ...(double.length > 0 && { doubleMedianOverLimit: medianHarm(double) / LIMITS.double }),
    },
    figures: {
      healthyShort: healthyFigures(of('healthy-short')),
      healthyControl: healthyFigures(of('healthy-control')),
      bad: harmfulFigures(bad, { limitErrors: LIMITS.bad, limitErrorsAgainstControl: LIMITS.badAgainstControl }),
      double: harmfulFigures(double, {
        limitErrors: LIMITS.double,
        limitErrorsWithAllControl: LIMITS.doubleAllControl,
      }),
      wholeness: wholeness(findings),
      watch,
      minutes: Math.round((performance.now() - startedAt) / 6000) / 10,
    },
  };
}
