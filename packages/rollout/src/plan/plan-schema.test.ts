import { describe, expect, it } from 'vitest';
import { planJsonSchema } from './plan-schema.ts';

describe('the JSON Schema for editors', () => {
  it('describes a closed mapping with the keys of both forms', () => {
    const schema = planJsonSchema();
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Rampart rollout plan',
      type: 'object',
      additionalProperties: false,
      required: ['stages'],
      properties: {
        flagName: { type: 'string' },
        stages: { type: 'array', items: { required: ['name', 'percentage'], additionalProperties: false } },
        killSwitch: { properties: { trip: {}, tripConditions: {} } },
      },
    });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});
