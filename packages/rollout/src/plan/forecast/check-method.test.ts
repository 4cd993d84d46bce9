import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sideOf } from '../../judge/side-of.ts';
import { METHOD_RULES, methodRule, validityOf } from './check-method.ts';
import { checkOf } from './simulation.support.ts';

const LIMITS = [
  'metric: errorRate, limit: 1.5x control',
  'metric: errorRate, limit: control + 0.5%',
  'metric: errorRate, limit: baseline + 0.5%',
  'metric: errorRate, limit: 1%',
  'metric: conversion, limit: 0.9x control',
  'metric: conversion, limit: not worse than control by 2%',
  'metric: p99Latency, limit: 1.5x control',
  'metric: p99Latency, limit: control + 100ms',
  'metric: p99Latency, limit: 2x baseline',
  'metric: p99Latency, limit: 2s',
  'metric: costPerQuery, limit: 1.2x control',
  'metric: costPerQuery, limit: $0.50',
  'metric: faithfulness, limit: 0.85',
  'metric: throughput, limit: 0.8x control',
  'metric: supportTickets, limit: no spike',
];

describe('the rules of methods', () => {
  it.each(LIMITS)('name the method that the core judges with: %s', (text) => {
    const { check, metric } = checkOf(text);
    expect(methodRule(check.limit, metric).method).toBe(sideOf(check, metric, 'fail', undefined).method);
    expect(methodRule(check.limit, metric).method).toBe(sideOf(check, metric, 'pass', undefined).method);
  });

  it('are the table of the plan reference', () => {
    const page = readFileSync(new URL('../../../../../docs/reference/plan.md', import.meta.url), 'utf8');
    const section = page.split('## Methods')[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| (an? .*?) +\| (.*?) +\| (.*?) +\|/gm)].map(([, of, method, validity]) => ({
      of,
      method,
      validity,
    }));
    expect(rows).toEqual(METHOD_RULES);
  });

  it('are all reached by some limit', () => {
    const reached = [...LIMITS, 'metric: userComplaints, limit: 10 per 24h'].map((text) => {
      const { check, metric } = checkOf(text);
      return methodRule(check.limit, metric);
    });
    expect(new Set(reached)).toEqual(new Set(METHOD_RULES));
  });

  it('claim nothing of plain rules, and less of sources that do not know their users', () => {
    const validity = (text: string, metrics = '') => {
      const { check, metric } = checkOf(text, metrics);
      return validityOf(check.limit, metric);
    };
    expect(validity('metric: errorRate, limit: 1%')).toBe('asymptotic');
    expect(validity('metric: userComplaints, limit: 10 per 24h')).toBe('plain rule');
    const prometheus = 'metrics: { errorRate: { source: prometheus } }\n';
    expect(validity('metric: errorRate, limit: 1%', prometheus)).toBe('assumes independent requests');
  });
});
