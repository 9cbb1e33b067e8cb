// The step cache's decisions, each against a slow and plain second opinion.
import * as fc from 'fast-check';
import t from 'tap';
import { collectLayers, type LayerUse } from '../../src/core/layers/collect.ts';
import { sourcesOf, stepKeyText } from '../../src/core/layers/key.ts';
import { type LayerEntry, mergeDirectory } from '../../src/core/layers/merge.ts';
import { sizeText } from '../../src/core/size-text.ts';

const entry = fc.constantFrom<LayerEntry>('file', 'directory', 'whiteout');
const listing = fc.dictionary(fc.constantFrom('a', 'b', 'c'), entry);

/** Applies the layers one after another, bottom first, as unpacking them would. */
function slowly(layers: readonly Readonly<Record<string, LayerEntry>>[]) {
  const seen = new Map<string, { kind: 'file' | 'directory'; from: number[] }>();
  for (const [depth, layer] of layers.entries()) {
    for (const [name, kind] of Object.entries(layer)) {
      const before = seen.get(name);
      if (kind === 'whiteout') seen.delete(name);
      else if (kind === 'directory' && before?.kind === 'directory') before.from.unshift(depth);
      else seen.set(name, { kind, from: [depth] });
    }
  }
  return seen;
}

t.test('merging a directory of layers is applying them one after another', async t => {
  fc.assert(
    fc.property(fc.array(listing, { maxLength: 6 }), layers => {
      const top = [...layers].reverse().map(layer => new Map(Object.entries(layer)));
      const merged = mergeDirectory(top).map(({ name, kind, from }) => ({
        name,
        kind,
        from: from.map(index => layers.length - 1 - index),
      }));
      const expected = [...slowly(layers)].map(([name, { kind, from }]) => ({ name, kind, from }));
      const sorted = <T extends { name: string }>(list: T[]) =>
        list.sort((a, b) => (a.name < b.name ? -1 : 1));
      return JSON.stringify(sorted(merged)) === JSON.stringify(sorted(expected));
    }),
    { numRuns: 20_000 },
  );
  t.pass('20,000 stacks');
});

const use = fc.record({
  sizeBytes: fc.nat(100),
  lastUseMs: fc.nat(1000),
  depth: fc.nat(5),
});

t.test('layers are given up by age, then the least recently used until the rest fits', async t => {
  fc.assert(
    fc.property(fc.array(use, { maxLength: 12 }), fc.nat(400), fc.nat(1000), (uses, sizeBytes, ageMs) => {
      const layers: LayerUse[] = uses.map((one, index) => ({ ...one, id: String(index) }));
      const nowMs = 1000;
      const gone = new Set(collectLayers(layers, { sizeBytes, ageMs, graceMs: 50 }, nowMs));
      const stay = layers.filter(({ id }) => !gone.has(id));
      const isYoung = ({ lastUseMs }: LayerUse) => nowMs - lastUseMs < 50;
      const total = stay.reduce((sum, one) => sum + one.sizeBytes, 0);
      const fits = total <= sizeBytes || stay.every(isYoung);
      const noneTooOld = stay.every(one => isYoung(one) || nowMs - one.lastUseMs < ageMs);
      const youngStay = layers.filter(isYoung).every(({ id }) => !gone.has(id));
      const order = layers.every(
        a => !gone.has(a.id) || stay.every(b => isYoung(b) || a.lastUseMs <= b.lastUseMs),
      );
      return fits && noneTooOld && youngStay && order;
    }),
    { numRuns: 5000 },
  );
  const chain = [0, 1, 2].map(depth => ({ id: `${depth}`, depth, sizeBytes: 10, lastUseMs: 5 }));
  const limits = { sizeBytes: 20, ageMs: 1e9, graceMs: 0 };
  t.same(collectLayers(chain, limits, 10), ['2'], 'of one chain the top goes');
});

t.test('the key of a step: what is below, what it is, what it does, where it takes from', async t => {
  const key = { below: 'a', identity: 'b', actions: [{ kind: 'remove', path: '/x' }] as const, sources: [] };
  const texts = [
    key,
    { ...key, below: 'b' },
    { ...key, identity: 'c' },
    { ...key, actions: [{ kind: 'remove', path: '/y' }] as const },
    { ...key, sources: ['s'] },
  ].map(stepKeyText);
  t.equal(new Set(texts).size, texts.length);
  t.same(
    sourcesOf([
      { kind: 'copy-root', container: 'c' },
      { kind: 'remove', path: '/' },
    ]),
    ['c'],
  );
});

t.test('§3.6 sizes: thousands, one decimal below ten', async t => {
  t.same([0, 12, 999, 1000, 1234, 9949, 9950, 31_400_000, 999_499, 999_500, 5.2e12].map(sizeText), [
    '0B',
    '12B',
    '999B',
    '1.0KB',
    '1.2KB',
    '9.9KB',
    '10KB',
    '31MB',
    '999KB',
    '1.0MB',
    '5.2TB',
  ]);
});
