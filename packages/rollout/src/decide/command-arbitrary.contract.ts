import fc from 'fast-check';
import type { RolloutCommand } from '../command.ts';
import { captureCommand } from './capture-command.contract.ts';

/** Reasons, given and blank. */
export const reason = fc.constantFrom('because', ' ');
/** Numbers of proposals, incidents and the like. */
export const small = fc.integer({ min: 1, max: 3 });

const LEG = { confirmed: 2, evaluated: 2, worstMs: 40, slowest: [{ instance: 'a', ms: 40 }] };

/** Every type of command, sensible and not. */
export const command: fc.Arbitrary<RolloutCommand> = fc.oneof(
  fc.constant({ type: 'Start' } as const),
  fc.record({
    type: fc.constant('Approve' as const),
    item: fc.constantFrom(
      'launch-readiness',
      'plan-approved',
      'No critical bugs',
      'docs-updated',
      'without errorRate',
      'proposal 1',
      'proposal 2',
      'x',
    ),
    evidence: fc.constantFrom('https://ci.example/1', 'ok'),
  }),
  fc.record({
    type: fc.constant('CheckPreflight' as const),
    findings: fc.constantFrom(
      [{ item: 'launch-readiness', evidence: 'seen' }],
      [{ item: 'launch-readiness', why: 'it answers 502' }],
      [],
    ),
  }),
  fc.record({ type: fc.constant('Drill' as const), connected: fc.constantFrom(0, 2) }),
  fc.record({ type: fc.constant('SwitchDrillOff' as const), drill: small, on: fc.constant(LEG) }),
  fc.constantFrom<RolloutCommand>(
    { type: 'FinishDrill', drill: 1, off: LEG },
    { type: 'FinishDrill', drill: 2, why: 'one SDK did not follow' },
  ),
  fc.constantFrom<RolloutCommand>(
    { type: 'RecordOverlaps', overlaps: [] },
    { type: 'RecordOverlaps', overlaps: [{ rollout: 'g-1', flag: 'g', metrics: ['errorRate'], isConfounded: false }] },
  ),
  fc.record({ type: fc.constant('Decline' as const), proposal: small, reason }),
  captureCommand,
  fc.constant({ type: 'Tick' } as const),
  fc.record({
    type: fc.constantFrom('Hold', 'Proceed', 'Abort', 'Kill', 'Rearm', 'Resume').map((type) => type as 'Hold'),
    reason,
  }),
  fc.record({
    type: fc.constant('AnswerGate' as const),
    gate: fc.constantFrom('window', 'error-budget', 'undo', 'x'),
    open: fc.boolean(),
    why: fc.constantFrom('it answered 200', 'it answered 503', ' '),
  }),
  fc.record({ type: fc.constant('Extend' as const), reason, byMs: fc.constantFrom(-3_600_000, 0, 600_000) }),
  fc.record({
    type: fc.constant('Retry' as const),
    version: fc.constantFrom('v1', 'v2', 'v3'),
    people: fc.constantFrom('same' as const, 'fresh' as const),
    reason: fc.constantFrom('because', 'because', 'because', ' '),
  }),
  fc.record({ type: fc.constant('ConfirmEffect' as const), incident: small, acknowledged: small, connected: small }),
  fc.record({ type: fc.constant('ConfirmExposureFell' as const), incident: small, reports: small }),
  fc.record({
    type: fc.constant('ReportUnconfirmed' as const),
    incident: small,
    acknowledged: small,
    connected: small,
    treated: small,
    treating: small,
  }),
  fc.record({ type: fc.constant('AcknowledgeIncident' as const), incident: small }),
  fc.record({
    type: fc.constant('RateIncident' as const),
    incident: small,
    severity: fc.constantFrom('critical' as const, 'minor' as const),
    reason,
  }),
  fc.record({ type: fc.constant('NoteIncident' as const), incident: small, text: reason }),
  fc.record({ type: fc.constant('LinkIncident' as const), incident: small, title: reason, url: reason }),
  fc.record({ type: fc.constant('AddAction' as const), incident: small, text: reason }),
  fc.record({ type: fc.constant('CompleteAction' as const), incident: small, action: small }),
  fc.record({ type: fc.constant('AssignIncident' as const), incident: small, assignee: reason }),
  fc.record({ type: fc.constant('RecordRootCause' as const), incident: small, text: reason }),
  fc.record({ type: fc.constant('RecordFix' as const), incident: small, text: reason }),
  fc.record({ type: fc.constant('ResolveIncident' as const), incident: small, reason }),
  fc.record({ type: fc.constant('ScheduleCleanup' as const), dueAt: fc.constantFrom(0, 1e13) }),
  fc.constantFrom({ type: 'RemindCleanup' } as const, { type: 'RecordFlagRemoval' } as const),
  fc.record({ type: fc.constant('RecordHandover' as const), name: reason, isDelivered: fc.boolean() }),
  fc.constant({ type: 'CalibrateJudge', metric: 'x', goldenSet: 'g', scores: [{ item: 'a', score: 1 }] } as const),
  fc.record({
    type: fc.constant('AddIssue' as const),
    title: reason,
    severity: fc.constantFrom('critical' as const, 'minor' as const),
  }),
  fc.record({
    type: fc.constant('ChangeIssue' as const),
    number: small,
    status: fc.constantFrom('fixed' as const, 'closed' as const),
  }),
);
