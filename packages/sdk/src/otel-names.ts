/** Attributes that say which variant of which flag telemetry belongs to; `bucket` is Rampart's own. */
export const ATTRIBUTE = {
  key: 'feature_flag.key',
  variant: 'feature_flag.result.variant',
  bucket: 'rampart.bucket',
} as const;

/** Baggage entries of arms: `rampart.arm.<flag>`, its value the variant. */
export const BAGGAGE_PREFIX = 'rampart.arm.';
