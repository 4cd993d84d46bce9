import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const sources = globSync('**/*.ts', { cwd: HERE, exclude: ['**/*.{test,contract}.ts'] });

/** Loads the package into a realm that has the language and nothing else: no console, no process, no modules of a platform. */
const LOAD_ALONE = `
  import { readFileSync } from 'node:fs';
  import { stripTypeScriptTypes } from 'node:module';
  import { createContext, SourceTextModule } from 'node:vm';
  const context = createContext({});
  const loaded = new Map();
  const load = (url) => {
    if (!loaded.has(url)) {
      const code = stripTypeScriptTypes(readFileSync(new URL(url), 'utf8'));
      loaded.set(url, new SourceTextModule(code, { context, identifier: url }));
    }
    return loaded.get(url);
  };
  const index = load(process.argv[1]);
  await index.link((specifier, from) => {
    if (!specifier.startsWith('./')) throw new Error('imports ' + specifier);
    return load(new URL(specifier, from.identifier).href);
  });
  await index.evaluate();
  console.log(loaded.size, index.namespace.thresholdLogE(12, 60, 0.01) > 3);
`;

describe('the package on its own', () => {
  it('imports nothing but its own files', () => {
    const imports = sources.flatMap((path) => {
      const code = readFileSync(`${HERE}${path}`, 'utf8');
      return [...code.matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g)].map(([, name = '']) => name);
    });
    expect(imports.length).toBeGreaterThan(20);
    expect(imports.filter((name) => !name.startsWith('./'))).toEqual([]);
  });

  it('loads and works where there is only the language, as in any browser, worker or bundle', () => {
    const index = new URL('index.ts', import.meta.url).href;
    const argv = ['--no-warnings', '--experimental-vm-modules', '--input-type=module', '--eval', LOAD_ALONE, index];
    const output = execFileSync(process.execPath, argv, { encoding: 'utf8' });
    expect(output.trim()).toBe(`${sources.length} true`);
  });
});
