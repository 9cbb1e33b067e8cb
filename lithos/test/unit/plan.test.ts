import t from 'tap';
import { type Known, plan } from '../../src/core/plan/plan.ts';

t.test('§3.2 adopt, §3.2 replace, §3.2 retire: the plan follows the table', async t => {
  const wanted = new Map([
    ['b/adopted.0', 'x'],
    ['b/changed.0', 'new'],
    ['b/kept.0', 'x'],
    ['b/missing.0', 'x'],
    ['b/waiting.0', 'new'],
  ]);
  const known = new Map<string, Known>([
    ['b/adopted.0', { identity: 'x', supervised: false }],
    ['b/changed.0', { identity: 'old', supervised: false }],
    ['b/kept.0', { identity: 'x', supervised: true }],
    ['b/waiting.0', { identity: undefined, supervised: true }],
    ['b/retired.0', { identity: 'x', supervised: true }],
  ]);
  t.same(plan(wanted, known), [
    { kind: 'retire', name: 'b/retired.0' },
    { kind: 'adopt', name: 'b/adopted.0' },
    { kind: 'replace', name: 'b/changed.0', changes: [] },
    { kind: 'keep', name: 'b/kept.0' },
    { kind: 'start', name: 'b/missing.0' },
    { kind: 'keep', name: 'b/waiting.0' },
  ]);
});
