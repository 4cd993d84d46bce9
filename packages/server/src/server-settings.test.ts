import { describe, expect, it } from 'vitest';
import { readSettings } from './server-settings.ts';

describe('publicUrl of the settings', () => {
  it.each(['https://rampart.example', 'http://127.0.0.1:8080/', 'https://example.com/rampart'])('may be %s', (url) => {
    expect(readSettings({ publicUrl: url }).publicUrl).toBe(url.replace(/\/$/, ''));
  });

  it.each([
    ['javascript:alert(1)', 'write https://'],
    ['https://rampart.example/?a=1', 'leave out what begins with ? or #'],
    ['https://rampart.example/#a', 'leave out what begins with ? or #'],
    ['https://ana:planted-secret@rampart.example', 'value withheld'],
  ])('may not be %s, which stands in every message', (publicUrl, why) => {
    expect(() => readSettings({ publicUrl })).toThrow(why);
    expect(() => readSettings({ publicUrl })).not.toThrow('planted-secret');
  });
});
