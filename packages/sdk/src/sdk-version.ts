import { readFileSync } from 'node:fs';

/** Name and version telemetry is sent under, for example `rampart-node/0.1.0`. */
export function sdkVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return `rampart-node/${isManifest ? String(manifest.version) : 'unknown'}`;
}
