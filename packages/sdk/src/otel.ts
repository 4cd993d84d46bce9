export { type ArmOptions, ArmSpanProcessor, armAttributesProcessor, armContext } from './otel-arms.ts';
export { ArmBoundary, type BoundaryOptions, trustedContext } from './otel-boundary.ts';
export { EvaluationHook, type EvaluationHookOptions, type EventLogger } from './otel-hook.ts';
