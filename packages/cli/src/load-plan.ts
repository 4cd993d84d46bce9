import { extname, resolve } from 'node:path';
import { type PlanOptions, type PlanResult, parsePlan, planFromObject } from '@rampart/rollout';
import { CliError } from './cli-error.ts';
import type { Io } from './io.ts';
import { planOfModule } from './plan-module.ts';
import { withQueryFiles, withQueryFilesIn } from './query-files.ts';
import { readText } from './read-text.ts';

/** A plan read from a file and checked here, without a server. */
export type LoadedPlan = {
  /** As it was given, for messages. */
  readonly file: string;
  /** What a server is sent: the file itself, or the JSON of a module's plan; files of queries are put in. */
  readonly text: string;
  /** Whether lines and columns of issues are places in the file. */
  readonly hasPlaces: boolean;
  readonly result: PlanResult;
};

const MODULES: readonly string[] = ['.ts', '.mts', '.js', '.mjs'];
const DOCUMENTS: readonly string[] = ['.yaml', '.yml', '.json'];

/**
 * Reads a plan: YAML and JSON by their text, TypeScript and JavaScript by running the module. `-` is YAML or JSON on
 * standard input. Files of queries beside it (`query: NAME.sql`) are put in.
 * Throws `FILE_MISSING`, `FILE_UNREADABLE`, `FILE_KIND_UNKNOWN`, `PLAN_MODULE_FAILED`, `PLAN_EXPORT_MISSING`.
 */
export async function loadPlan(
  file: string,
  io: Io,
  options: Omit<PlanOptions, 'file' | 'now'> = {},
): Promise<LoadedPlan> {
  const kind = extname(file).toLowerCase();
  const all = { ...options, file, now: io.now() };
  if (MODULES.includes(kind)) {
    await readText(file, io);
    const value = await withQueryFilesIn(await planOfModule(resolve(io.cwd, file)), file, io);
    const result = planFromObject(value, all);
    return { file, text: result.ok ? JSON.stringify(value) : '', hasPlaces: false, result };
  }
  if (file !== '-' && !DOCUMENTS.includes(kind)) {
    throw new CliError('FILE_KIND_UNKNOWN', `${file} ends in ${kind === '' ? 'nothing' : kind}, which is not a plan.`);
  }
  const text = await withQueryFiles(await readText(file, io), file, io);
  return { file, text, hasPlaces: true, result: parsePlan(text, all) };
}
