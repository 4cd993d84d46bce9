/**
 * The two issues of the workflow in Plane as people see them at its end, an entry a line: without instants, numbers of events, how many SDKs are connected, and
 * whether people or agents acted. `RETRIER` is who brought the retry about: the person who asked for it, or who approved it.
 */
export const WORKFLOW_HISTORY: readonly string[] = [
  'new ROLL-1: Release: Feature XYZ Progressive Rollout | In Progress | high | release | rollout:feature-xyz-1 | Rampart rolls out feature-xyz build-1 in production, in stages: internal (0.5 %), canary (5 %), beta (25 %), ga (100 %). / It aborts on: errorRate 1%, p99Latency 2x baseline. / Started by operator.',
  'ROLL-1: https://rampart.example.com/rollouts/feature-xyz-1 | Rollout',
  'ROLL-1: Rampart captured the baseline from TIME to TIME: errorRate, p99Latency | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart entered stage internal, exposing 0.5 % of everyone for at least 8 s: pre-flight and baseline are complete | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart passed stage internal / / errorRate 0.0937 % against limit 1%: pass / p99Latency 201 ms against limit 2x baseline: pass / errorRate 0.0937 % against limit baseline + 1%: pass | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart entered stage canary, exposing 5 % of everyone for at least 17 s: every check of internal passed | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart set exposure to 0 in stage canary: errorRate breaches 1% (incident 1, between 32,000 and 51,200 people had been exposed) / / errorRate 5 % against limit 1%: fail / Incident 1 | rollout:feature-xyz-1:evt',
  'ROLL-1: priority | high | urgent',
  'ROLL-1: Exposure 0 took effect for incident 1: all connected SDKs confirmed it | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst began the triage of incident 1 | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst noted on incident 1: only long documents fail | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst recorded the root cause of incident 1: the prompt is too long | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst added action item 1 of incident 1: limit the length of prompts | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst recorded the fix of incident 1: prompt cut (https://example.com/pull/1) | rollout:feature-xyz-1:evt',
  'ROLL-1: analyst resolved incident 1 | rollout:feature-xyz-1:evt',
  'ROLL-1: RETRIER started attempt 2 with version build-2, statistics lineage 2 and the flag&#39;s own bucketing | rollout:feature-xyz-1:evt',
  'ROLL-1: priority | urgent | high',
  'ROLL-1: RETRIER entered stage internal, exposing 0.5 % of everyone for at least 8 s: pre-flight and baseline are complete | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart passed stage internal / / errorRate 0.0937 % against limit 1%: pass / p99Latency 201 ms against limit 2x baseline: pass / errorRate 0.0937 % against limit baseline + 1%: pass | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart entered stage canary, exposing 5 % of everyone for at least 17 s: every check of internal passed | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart passed stage canary / / errorRate 0.1 % against limit 1%: pass / p99Latency 201 ms against limit 2x baseline: pass / errorRate 0.1 % against limit control + 0.5%: pass / errorRate 0.1 % against limit baseline + 1%: pass | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart entered stage beta, exposing 25 % of everyone for at least 1 min: every check of canary passed | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart passed stage beta / / errorRate 0.1 % against limit 1%: pass / p99Latency 201 ms against limit 2x baseline: pass / errorRate 0.1 % against limit control + 0.5%: pass / errorRate 0.1 % against limit baseline + 1%: pass | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart entered stage ga, exposing 100 % of everyone for at least 2 min: every check of beta passed | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart started monitoring, until TIME | rollout:feature-xyz-1:evt',
  'ROLL-1: Rampart completed the rollout: the exit gate holds / / errorRate 0.1 % against limit 1%: pass / p99Latency 201 ms against limit 2x baseline: pass / errorRate 0.1 % against limit baseline + 1%: pass | rollout:feature-xyz-1:evt',
  'new ROLL-2: Remove the flag feature-xyz (Feature XYZ) | Todo | low | release | rollout:feature-xyz-1:cleanup | The rollout of feature-xyz is complete: everyone has on. Remove the flag and the old code. / Due 2026-03-01, by operator. | ROLL-1',
  'ROLL-1: state | In Progress | Done',
];
