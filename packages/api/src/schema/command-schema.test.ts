import { describe, expect, it } from 'vitest';
import { checkBody } from '../check-body.ts';
import { CLIENT_COMMANDS, clientCommandSchema } from './command-schema.ts';

describe('clientCommandSchema', () => {
  it('has one form per client command', () => {
    const types = clientCommandSchema.options.map((option) => option.shape.type.value);
    expect(types).toEqual([...CLIENT_COMMANDS]);
  });

  it.each(['Create', 'Tick', 'CaptureBaseline', 'ConfirmEffect', 'Destroy'])(
    'refuses %s, which is not for clients',
    (type) => {
      expect(() => checkBody(clientCommandSchema, { type })).toThrow(/type: Invalid discriminator value/);
    },
  );

  it('refuses an unknown key by name, so that no typing error is taken for consent', () => {
    expect(() => checkBody(clientCommandSchema, { type: 'Abort', reason: 'x', people: { treatment: 1 } })).toThrow(
      /"people"/,
    );
    expect(() => checkBody(clientCommandSchema, { type: 'Start', overide: true })).toThrow(/"overide"/);
  });

  it('leaves a missing reason to the core, which refuses it with its own code', () => {
    expect(checkBody(clientCommandSchema, { type: 'Rearm' })).toEqual({ type: 'Rearm', reason: '' });
  });

  it('takes a retry with nothing said, and one with everything', () => {
    expect(checkBody(clientCommandSchema, { type: 'Retry' })).toEqual({ type: 'Retry' });
    const whole = { type: 'Retry', version: 'build-2', people: 'fresh', reason: 'fixed' };
    expect(checkBody(clientCommandSchema, whole)).toEqual(whole);
  });

  it('refuses an extension by nothing and an incident number that is none', () => {
    expect(() => checkBody(clientCommandSchema, { type: 'Extend', reason: 'x', byMs: 0 })).toThrow(/byMs/);
    expect(() => checkBody(clientCommandSchema, { type: 'ResolveIncident', incident: 0 })).toThrow(/incident/);
  });
});
