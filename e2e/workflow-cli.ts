import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientCommand } from '@rampart/api';
import { openCli } from '../packages/cli/src/cli.test.support.ts';
import type { Hands, WorkflowRole } from './workflow-run.ts';
import type { WorkflowServer } from './workflow-server.ts';

/** What a person types for a command; nothing for what `rampart start` has done already. */
function wordsOf(rollout: string, command: ClientCommand): readonly string[] | undefined {
  const given = (option: string, value: string | undefined) => (value === undefined ? [] : [option, value]);
  switch (command.type) {
    case 'Start':
      return undefined;
    case 'Approve':
      return ['approve', rollout, command.item, ...given('--evidence', command.evidence)];
    case 'Retry':
      return ['retry', rollout, ...given('--release', command.version), ...given('--reason', command.reason)];
    case 'AssignIncident':
      return ['incident', 'assign', String(command.incident), command.assignee, '--rollout', rollout];
    case 'AcknowledgeIncident':
      return ['incident', 'acknowledge', String(command.incident), '--rollout', rollout];
    case 'NoteIncident':
      return ['incident', 'note', String(command.incident), command.text, '--rollout', rollout];
    case 'AddAction':
      return ['incident', 'action', String(command.incident), command.text, '--rollout', rollout];
    case 'RecordRootCause':
      return ['incident', 'root-cause', String(command.incident), command.text, '--rollout', rollout];
    case 'RecordFix': {
      const { incident, text, reference } = command;
      return ['incident', 'fix', String(incident), text, '--rollout', rollout, ...given('--reference', reference)];
    }
    case 'ResolveIncident':
      return ['incident', 'resolve', String(command.incident), '--rollout', rollout];
    default:
      throw new Error(`no one types ${command.type} in the workflow`);
  }
}

/** Hands of people at a terminal: the command line itself, in a directory of theirs, each with a token of their own. */
export function cliHands(server: WorkflowServer, tokens: Readonly<Record<WorkflowRole, string>>, dir: string): Hands {
  const type = async (role: WorkflowRole, words: readonly string[]): Promise<string> => {
    const { code, out, err } = await openCli().run(words, {
      env: { HOME: dir, RAMPART_URL: server.url, RAMPART_TOKEN: tokens[role] },
      cwd: dir,
      fetch,
      now: () => server.now,
    });
    if (code !== 0) throw new Error(`rampart ${words.join(' ')}: exit code ${code}, ${err}${out}`);
    return out;
  };
  return {
    async create(plan) {
      writeFileSync(join(dir, 'plan.yaml'), plan);
      const out = JSON.parse(await type('operator', ['start', 'plan.yaml', '--json'])) as {
        readonly rollout: { readonly state: { readonly id: string } };
      };
      return out.rollout.state.id;
    },
    async give(role, rollout, command) {
      const words = wordsOf(rollout, command);
      if (words !== undefined) await type(role, words);
    },
  };
}
