import type { ClientCommand } from '@rampart/api';
import { z } from 'zod';
import { ADDS, defineTool, type Tool } from './tool.ts';
import { WRITE_INPUT, WRITE_OUTPUT, writeAnswer, writeOptions } from './write-answer.ts';

type IncidentArgs = { readonly incident: number; readonly text: string; readonly reference?: string | undefined };

/** What can be written into an incident, each as the command it becomes. */
const INCIDENT_ACTIONS = {
  acknowledge: ({ incident }) => ({ type: 'AcknowledgeIncident', incident }),
  assign: ({ incident, text }) => ({ type: 'AssignIncident', incident, assignee: text }),
  note: ({ incident, text }) => ({ type: 'NoteIncident', incident, text }),
  action: ({ incident, text }) => ({ type: 'AddAction', incident, text }),
  root_cause: ({ incident, text }) => ({ type: 'RecordRootCause', incident, text }),
  fix: ({ incident, text, reference }) => {
    return { type: 'RecordFix', incident, text, ...(reference !== undefined && { reference }) };
  },
  resolve: ({ incident, text }) => ({ type: 'ResolveIncident', incident, ...(text.trim() !== '' && { reason: text }) }),
} as const satisfies Readonly<Record<string, (args: IncidentArgs) => ClientCommand>>;

type IncidentAction = keyof typeof INCIDENT_ACTIONS;

const NEEDS_NO_TEXT: readonly IncidentAction[] = ['acknowledge', 'resolve'];
const incidentActionSchema = z.enum(Object.keys(INCIDENT_ACTIONS) as [IncidentAction, ...IncidentAction[]]);

const incidentWrite = defineTool({
  name: 'rollout_incident_write',
  title: 'Work on an incident',
  description:
    'acknowledge: you work on it. assign: to a person or agent (text is who). note: what was seen or done. action: something to be done. root_cause: what went wrong and why. fix: what was changed, with a reference to it; with a new version it allows a retry on fresh statistics. resolve: closes it; without root cause and fix it needs a reason (text). Changes no exposure. Analyst, operator, admin.',
  annotations: ADDS,
  input: z
    .strictObject({
      ...WRITE_INPUT,
      incident: z.int().min(1).describe('Number of the incident.'),
      action: incidentActionSchema,
      text: z.string().max(4000).default('').describe('What is recorded. Not of acknowledge.'),
      reference: z.string().max(4000).optional().describe('Of fix: commit, pull request or ticket.'),
    })
    .refine(({ action, text }) => NEEDS_NO_TEXT.includes(action) || text.trim() !== '', {
      path: ['text'],
      message: 'expected what is to be recorded',
    }),
  output: WRITE_OUTPUT,
  run: async (args, deps) => {
    const command = INCIDENT_ACTIONS[args.action](args);
    return writeAnswer(await deps.client.command(args.rollout, command, writeOptions(args)), deps);
  },
});

const issueWrite = defineTool({
  name: 'rollout_issue_write',
  title: 'Add or change an issue',
  description:
    'add: something found on the way, with title and severity; an open critical one fails the confirmation "No critical bugs". change: its status. Changes no exposure. Everyone but viewers.',
  annotations: ADDS,
  input: z
    .strictObject({
      ...WRITE_INPUT,
      action: z.enum(['add', 'change']),
      title: z.string().min(1).max(200).optional().describe('Of add.'),
      severity: z.enum(['critical', 'major', 'minor']).optional().describe('Of add.'),
      link: z.string().max(4000).optional().describe('Of add: where it is tracked.'),
      number: z.int().min(1).optional().describe('Of change.'),
      status: z.enum(['open', 'fixed', 'monitoring', 'closed']).optional().describe('Of change.'),
    })
    .refine(
      ({ action, title, severity, number, status }) =>
        action === 'add' ? title !== undefined && severity !== undefined : number !== undefined && status !== undefined,
      { path: ['action'], message: 'add needs title and severity, change needs number and status' },
    ),
  output: WRITE_OUTPUT,
  run: async (args, deps) => {
    const { action, title = '', severity = 'minor', link, number = 0, status = 'open' } = args;
    const command: ClientCommand =
      action === 'add'
        ? { type: 'AddIssue', title, severity, ...(link !== undefined && { link }) }
        : { type: 'ChangeIssue', number, status };
    return writeAnswer(await deps.client.command(args.rollout, command, writeOptions(args)), deps);
  },
});

/** Tools that put something on record. */
export const RECORD_TOOLS: readonly Tool[] = [incidentWrite, issueWrite];
