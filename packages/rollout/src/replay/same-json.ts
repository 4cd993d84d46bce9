/** Whether two values are the same once written as JSON: a property that is `undefined` is none, and order of keys says nothing. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || (one === 0 && other === 0)) return true;
  if (isObject(one) && isObject(other)) return sameMembers(one, other);
  return isNothing(one) && isNothing(other);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What JSON writes as `null`. */
function isNothing(value: unknown): boolean {
  return value === null || (typeof value === 'number' && !Number.isFinite(value));
}

function sameMembers(one: object, other: object): boolean {
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const left = known(one);
  const right = known(other);
  return (
    left.size === right.size && [...left].every(([key, value]) => right.has(key) && sameJson(value, right.get(key)))
  );
}

function known(value: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}
