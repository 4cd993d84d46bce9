import type { z } from 'zod';

/** What a schema found wrong, on one line: `columns: Unrecognized key: "valu"; flag: is missing`. */
export function schemaProblem({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => [...(path.length > 0 ? [path.join('.')] : []), wordsOf(message)].join(': '))
    .join('; ');
}

function wordsOf(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message;
}
