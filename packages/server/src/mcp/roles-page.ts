import type { TokenKind } from '@rampart/api';

type Rule = { readonly what: string; readonly tools: string; readonly kinds: readonly TokenKind[] };

const ALL: readonly TokenKind[] = ['admin', 'operator', 'observer', 'analyst', 'approver', 'viewer'];
const ACTING = ALL.filter((kind) => kind !== 'viewer');

/** Who may do what; the core decides it again on every call. */
const RULES: readonly Rule[] = [
  { what: 'read everything', tools: 'rollout_list, _status, _metrics, _timeline, _report', kinds: ALL },
  { what: 'ask a metric source', tools: 'rollout_metric_test', kinds: ACTING },
  { what: 'check a plan', tools: 'rollout_create with dry_run', kinds: ALL },
  {
    what: 'create, start, resume, propose proceed and retry',
    tools: 'rollout_create, _start, _pace, _advance',
    kinds: ['admin', 'operator'],
  },
  {
    what: 'give items, decide proposals',
    tools: 'rollout_approve',
    kinds: ['admin', 'operator', 'observer', 'approver'],
  },
  { what: 'take the baseline anew', tools: 'rollout_baseline_capture', kinds: ['admin', 'operator', 'observer'] },
  { what: 'hold, extend', tools: 'rollout_pace', kinds: ACTING },
  { what: 'abort, kill', tools: 'rollout_abort', kinds: ACTING },
  { what: 'cancel', tools: 'rollout_abort', kinds: ['admin', 'operator'] },
  { what: 'work on incidents', tools: 'rollout_incident_write', kinds: ['admin', 'operator', 'analyst'] },
  { what: 'add and change issues', tools: 'rollout_issue_write', kinds: ACTING },
];

/** What each role may do, and the rules for agents, as Markdown: the resource `rollout://policies/roles`. */
export function rolesPage(): string {
  const mark = (rule: Rule, kind: TokenKind) => (rule.kinds.includes(kind) ? 'yes' : '–');
  const head = ['may', 'tools', ...ALL];
  const rows = RULES.map((rule) => [rule.what, rule.tools, ...ALL.map((kind) => mark(rule, kind))]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `# Roles

${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}

The kind of a token is its role. Whatever the role, an **agent** (a token made with \`--agent\`):

- may lower exposure at any time, at once: \`rollout_abort\`
- raises it only inside the plan: stages advance by themselves when their gates pass; \`proceed\` and \`retry\` become proposals
- never approves what it asked for: its start waits for another principal (item \`plan-approved\`), its proposals for a person
- never re-arms a kill switch: a person does

In the workflow the **operator** runs the rollout (prompt \`run-rollout\`), the **observer** captures the baseline and watches (prompt
\`capture-baseline\`), the **analyst** triages aborts (prompt \`triage-abort\`).
`;
}
