import type { EvaluationContext, Flag } from '@rampart/flags';

/**
 * The unit a flag buckets in a context: its `bucketBy` attribute (a name with dots is a path into nested objects), else
 * the targeting key. Undefined when there is none: then the context is out of every split.
 */
export function unitOf(flag: Flag, context: EvaluationContext): string | undefined {
  const name = flag.bucketBy ?? 'targetingKey';
  const value = Object.hasOwn(context, name) ? context[name] : valueAt(context, name);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function valueAt(context: EvaluationContext, path: string): unknown {
  if (!path.includes('.')) return undefined;
  return path.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    return Reflect.get(value, key);
  }, context);
}
