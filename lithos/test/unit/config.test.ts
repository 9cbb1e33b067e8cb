// Every example of the documentation is valid, and says all there is to say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, type Schema, s } from '@suite/shared/schema/index.ts';
import { parseYaml, type YamlNode } from '@suite/shared/yaml/index.ts';
import t from 'tap';
import { containerSchema } from '../../src/config/container.ts';
import { parseRange } from '../../src/config/ids.ts';
import { locate, locateKey, warnWithoutEffect } from '../../src/config/locate.ts';
import { MASTER_WITHOUT_EFFECT, masterSchema } from '../../src/config/master.ts';
import { processEntrySchema } from '../../src/config/process.ts';
import { sandboxSchema } from '../../src/config/sandbox.ts';

const processesSchema = s.map(processEntrySchema);
const PAGE = readFileSync(join(process.env.SUITE_ROOT ?? '..', 'lithos/docs/config.md'), 'utf8');

function example(kind: string): string {
  const found = new RegExp(`\`\`\`yaml ${kind}\\n([\\s\\S]*?)\`\`\``).exec(PAGE);
  if (found?.[1] === undefined) throw new Error(`docs/config.md has no example of kind ${kind}`);
  return found[1];
}

function parse(text: string): YamlNode {
  const parsed = parseYaml(text, { file: 'x.yaml' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.value;
}

function errors(schema: Schema<unknown>, text: string): string[] {
  const decoded = decode(schema, parse(text));
  return decoded.ok ? [] : decoded.errors.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

t.test('the examples of docs/config.md', async t => {
  t.same(errors(masterSchema, example('master')), []);
  t.same(errors(sandboxSchema, example('sandbox')), []);
  t.same(errors(processesSchema, example('process')), []);
  t.same(errors(containerSchema, example('container')), []);
  const defaults = decode(masterSchema, parse(example('master')));
  t.same(decode(masterSchema, parse('{}')), defaults, 'the master example shows the defaults');
});

t.test('cgroup names: nested, nothing that climbs, or null', async t => {
  t.same(errors(masterSchema, 'cgroup-name: null'), []);
  t.match(errors(masterSchema, 'cgroup-name: a/../b'), [/does not match/]);
  t.same(errors(masterSchema, 'cgroup-name: suite-demo/mars/lithos.slice'), []);
});

t.test('limits: a day for timeouts, u32 for ids, no special bits in modes', async t => {
  const container = 'executable: /bin/x\n';
  t.match(errors(containerSchema, `${container}restart-timeout: 86401`), [/at most 86400/]);
  t.match(errors(containerSchema, `${container}user-id: 4294967295`), [/at most 4294967294/]);
  t.match(errors(containerSchema, `${container}volumes: {/x: !Tmpfs {mode: 0o4755}}`), [/at most 1023/]);
  t.match(errors(containerSchema, `${container}normal-exit-codes: [256]`), [/at most 255/]);
  t.match(errors(sandboxSchema, 'allow-users: [5-1]'), [/the range 5-1 is empty/]);
  t.match(errors(sandboxSchema, 'allow-users: [1 - 5]'), [/does not match/]);
  t.match(errors(processesSchema, 'w: {image: a, config: /c, instances: 10001}'), [/at most 10000/]);
  t.same(parseRange('7'), { min: 7, max: 7 });
});

t.test('places: of values, of keys, of what is missing', async t => {
  const root = parse('a:\n  b_c: [1, {d: 2}]\n');
  t.match(locate(root, ['a', 'b-c', 1, 'd']), { line: 2, column: 16 });
  t.match(locate(root, ['a', 'none']), { line: 2, column: 3 }, 'a missing key points at its mapping');
  t.match(locateKey(root, 'a'), { line: 1, column: 1 });
  t.equal(locateKey(root, 'z'), undefined);
  t.match(warnWithoutEffect(parse('devfs_dir: /dev'), MASTER_WITHOUT_EFFECT), [
    { severity: 'warning', line: 1 },
  ]);
});
