import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient } from '@rampart/api';
import { DIGEST_TURBO, SUMMARY_OUTLINE } from './demo-plans.ts';
import type { Followed } from './follow.ts';

/** What the demo leaves behind: texts, and where they were written. */
export type Papers = { readonly reports: readonly Paper[]; readonly incidents: readonly Paper[] };
/** One document in Markdown. */
export type Paper = { readonly path: string; readonly text: string };

/** Fetches the reports and incident documents from the server and writes them, with the plans, into a directory. */
export async function collectPapers(
  client: ApiClient,
  followed: readonly Followed[],
  directory: string,
): Promise<Papers> {
  await mkdir(directory, { recursive: true });
  for (const { file, text } of [SUMMARY_OUTLINE, DIGEST_TURBO]) await writeFile(join(directory, file), text);
  const reports: Paper[] = [];
  const incidents: Paper[] = [];
  for (const { view } of followed) {
    const { id, plan, incidents: found } = view.state;
    reports.push(await keep(join(directory, `${plan.flag}.report.md`), await client.getReport(id)));
    for (const { number } of found) {
      const path = join(directory, `${plan.flag}.incident-${number}.md`);
      incidents.push(await keep(path, await client.getIncident(id, number)));
    }
  }
  return { reports, incidents };
}

async function keep(path: string, text: string): Promise<Paper> {
  await writeFile(path, text);
  return { path, text };
}
