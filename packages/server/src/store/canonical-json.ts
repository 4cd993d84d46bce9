import { StoreError } from './store-error.ts';

/**
 * The one JSON text of a value (RFC 8785: no blanks, keys by UTF-16 code unit, ECMAScript numbers), so equal values have
 * equal hashes. Like `JSON.stringify` it leaves out `undefined` properties and honours `toJSON`; unlike it, it refuses
 * what JSON would silently change: NaN, infinities, bigints, functions, symbols, maps, sets, `undefined` in lists.
 * @throws StoreError `NOT_STORABLE` naming the path of the value
 */
export function canonicalJson(value: unknown): string {
  return encode(value, []);
}

/** Where the walk stands: objects and the key taken in each, in turn. */
type Trail = unknown[];

function encode(value: unknown, trail: Trail): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value !== 'object') throw notJson(`${String(value)} (${typeof value})`, trail);
  if ('toJSON' in value && typeof value.toJSON === 'function') return encode(value.toJSON(), trail);
  if (value instanceof Map || value instanceof Set) throw notJson(`a ${value.constructor.name}`, trail);
  for (let i = 0; i < trail.length; i += 2) if (trail[i] === value) throw notJson('a cycle', trail);
  trail.push(value, '');
  const text = Array.isArray(value) ? encodeList(value, trail) : encodeObject(value, trail);
  trail.length -= 2;
  return text;
}

function encodeList(list: readonly unknown[], trail: Trail): string {
  let text = '[';
  for (let i = 0; i < list.length; i += 1) {
    trail[trail.length - 1] = i;
    text += i === 0 ? encode(list[i], trail) : `,${encode(list[i], trail)}`;
  }
  return `${text}]`;
}

function encodeObject(value: object, trail: Trail): string {
  const members = new Map(Object.entries(value));
  let text = '';
  for (const key of [...members.keys()].sort()) {
    const member: unknown = members.get(key);
    if (member === undefined) continue;
    trail[trail.length - 1] = key;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encode(member, trail)}`;
  }
  return `{${text}}`;
}

function notJson(received: string, trail: Trail): StoreError {
  const path = trail
    .filter((_, i) => i % 2 === 1)
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return new StoreError(
    'NOT_STORABLE',
    `${received} at $${path.join('')} is not JSON; give a finite number, text, boolean, null, list or plain object`,
  );
}
