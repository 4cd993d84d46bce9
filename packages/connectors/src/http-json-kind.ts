import type { z } from 'zod';
import { httpAccessSchema, openHttpAccess } from './http-access.ts';
import { httpJsonSource } from './http-json-source.ts';
import type { MetricSource } from './ports.ts';
import type { SourceDeps } from './source-deps.ts';

/** Settings of a source of kind `http-json`. */
export const httpJsonSettingsSchema = httpAccessSchema;

/** A source over any API that answers in JSON. @throws ConnectorError `URL_REFUSED`, `SECRET_INVALID`, `SOURCE_INVALID` */
export function openHttpJsonSource(settings: z.output<typeof httpJsonSettingsSchema>, deps: SourceDeps): MetricSource {
  return httpJsonSource({ name: deps.name, access: openHttpAccess(settings, deps) });
}
