import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CliError } from './cli-error.ts';

/** Names a plan may be exported under, in the order they are looked for. */
const NAMES = ['default', 'rolloutConfig', 'config'] as const;
const DECLARED = /^(?:const|let|var)\s+(rolloutConfig|config)\b/m;

/**
 * The plan of a TypeScript or JavaScript module. Runs the module, as importing it does. A file that only declares
 * `const rolloutConfig = {…}`, as people paste it, counts as exporting it.
 * Throws `PLAN_MODULE_FAILED` or `PLAN_EXPORT_MISSING`.
 */
export async function planOfModule(path: string): Promise<unknown> {
  // The query makes a changed file a new module: one process may load it twice.
  const version = Date.now().toString(36);
  const exported = planIn(await importOf(`${pathToFileURL(path).href}?v=${version}`, path));
  if (exported !== undefined) return exported;
  const source = await readFile(path, 'utf8');
  const name = DECLARED.exec(source)?.[1];
  if (name === undefined) {
    throw new CliError('PLAN_EXPORT_MISSING', `${path} exports no plan: looked for ${NAMES.join(', ')}.`);
  }
  const code = `${plainJavaScript(source, path)}\nexport { ${name} };`;
  return planIn(await importOf(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`, path));
}

/**
 * What a loaded module exports as its plan, or `undefined`. A file without exports, in a directory whose package.json does not say
 * that it holds ES modules, is loaded as CommonJS: its default export is then the empty `module.exports`, and no plan.
 */
export function planIn(module: Readonly<Record<string, unknown>>): unknown {
  const name = NAMES.find((one) => module[one] !== undefined);
  const plan = name === undefined ? undefined : module[name];
  const isBareCommonJs = 'module.exports' in module && isEmptyObject(module['module.exports']);
  return isBareCommonJs && isEmptyObject(plan) ? undefined : plan;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

async function importOf(url: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const module: Readonly<Record<string, unknown>> = await import(/* @vite-ignore */ url);
    return module;
  } catch (cause) {
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new CliError('PLAN_MODULE_FAILED', `${path} cannot be loaded. ${message}`, { cause });
  }
}

function plainJavaScript(source: string, path: string): string {
  return /\.[cm]?ts$/.test(path) ? stripTypeScriptTypes(source) : source;
}
