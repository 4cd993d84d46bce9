import type { Metric } from '@rampart/rollout';
import type { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { httpAccessSchema } from './http-access.ts';
import { readHttpJsonBinding, tellsVariants } from './http-json-binding.ts';
import { openHttpJsonSource } from './http-json-source.ts';
import type { MetricSource } from './ports.ts';
import { readPrometheusBinding } from './prometheus-binding.ts';
import { openPrometheusSource, prometheusSettingsSchema } from './prometheus-source.ts';
import { schemaProblem } from './schema-problem.ts';
import type { SourceDeps } from './source-deps.ts';
import { namesArm, readSqlBinding } from './sql-binding.ts';
import {
  clickHouseSettingsSchema,
  openClickHouseSource,
  openPostgresSource,
  postgresSettingsSchema,
} from './sql-kinds.ts';

/** What a metric's binding says of the answers: `tellsArms`: whether treatment and control come apart. */
export type BindingTraits = { readonly tellsArms: boolean };

/** One kind of system that metrics can be pulled from. */
export type SourceKind = {
  /** Makes a source of its settings, without connecting. @throws ConnectorError `SOURCE_INVALID`, `URL_REFUSED`, `SECRET_INVALID` */
  readonly open: (settings: unknown, deps: SourceDeps) => MetricSource;
  /** Checks the binding of a plan's metric. @throws ConnectorError `BINDING_INVALID` */
  readonly readBinding: (metric: Metric) => BindingTraits;
};

type KindParts<Settings, Binding> = {
  /** Settings of a source, without `kind`: unknown keys are refused. */
  readonly settings: z.ZodType<Settings>;
  readonly open: (settings: Settings, deps: SourceDeps) => MetricSource;
  readonly readBinding: (metric: Metric) => Binding;
  readonly tellsArms: (binding: Binding) => boolean;
};

function kindOf<Settings, Binding>(parts: KindParts<Settings, Binding>): SourceKind {
  return {
    open(settings, deps) {
      const read = parts.settings.safeParse(settings);
      if (read.success) return parts.open(read.data, deps);
      throw new ConnectorError('SOURCE_INVALID', `sources.${deps.name}: ${schemaProblem(read.error)}`);
    },
    readBinding: (metric) => ({ tellsArms: parts.tellsArms(parts.readBinding(metric)) }),
  };
}

/** Every kind of source that a server can be set up with, by the `kind` of its settings. A new one is one entry here. */
export const SOURCE_KINDS: Readonly<Record<string, SourceKind>> = {
  prometheus: kindOf({
    settings: prometheusSettingsSchema,
    open: openPrometheusSource,
    readBinding: readPrometheusBinding,
    tellsArms: ({ arm }) => arm !== undefined,
  }),
  postgres: kindOf({
    settings: postgresSettingsSchema,
    open: openPostgresSource,
    readBinding: readSqlBinding,
    tellsArms: ({ query }) => namesArm(query),
  }),
  clickhouse: kindOf({
    settings: clickHouseSettingsSchema,
    open: openClickHouseSource,
    readBinding: readSqlBinding,
    tellsArms: ({ query }) => namesArm(query),
  }),
  'http-json': kindOf({
    settings: httpAccessSchema,
    open: openHttpJsonSource,
    readBinding: readHttpJsonBinding,
    tellsArms: tellsVariants,
  }),
};
