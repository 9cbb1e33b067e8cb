// The JSON Schema for editors against configs that vagga accepts: an editor must not complain about them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, type JsonValue, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import t from 'tap';

const ROOT = process.env.SUITE_ROOT ?? '';

type Json = Readonly<Record<string, unknown>>;

const typeOf = (value: JsonValue): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

function hasType(value: JsonValue, wanted: unknown): boolean {
  const types = wanted === undefined ? [typeOf(value)] : [wanted].flat();
  return types.includes(typeOf(value)) || (types.includes('integer') && Number.isInteger(value));
}

/** The keywords that our schemas use, as draft-07 defines them; an unknown one is an error of this test. */
const RULES: Readonly<Record<string, (wanted: never, value: never, schema: Json) => boolean>> = {
  type: (wanted, value) => hasType(value, wanted),
  enum: (wanted: JsonValue[], value) => wanted.includes(value),
  anyOf: (wanted: Json[], value) => wanted.some(option => isValid(option, value)),
  pattern: (wanted: string, value: JsonValue) => typeof value !== 'string' || new RegExp(wanted).test(value),
  minLength: (wanted: number, value: JsonValue) => typeof value !== 'string' || value.length >= wanted,
  minimum: (wanted: number, value: JsonValue) => typeof value !== 'number' || value >= wanted,
  maximum: (wanted: number, value: JsonValue) => typeof value !== 'number' || value <= wanted,
  minItems: (wanted: number, value: JsonValue) => !Array.isArray(value) || value.length >= wanted,
  items: (wanted: Json, value: JsonValue) =>
    !Array.isArray(value) || value.every(item => isValid(wanted, item)),
  required: (wanted: string[], value: JsonValue) =>
    typeOf(value) !== 'object' || wanted.every(key => Object.hasOwn(value as object, key)),
  properties: (wanted: Record<string, Json>, value: JsonValue) =>
    typeOf(value) !== 'object' ||
    Object.entries(value as object).every(
      ([key, item]) => wanted[key] === undefined || isValid(wanted[key], item),
    ),
  additionalProperties: (wanted: Json | false, value: JsonValue, { properties, patternProperties }) =>
    typeOf(value) !== 'object' ||
    Object.entries(value as object)
      .filter(([key]) => !Object.hasOwn((properties ?? {}) as object, key))
      .filter(
        ([key]) => !Object.keys((patternProperties ?? {}) as object).some(text => new RegExp(text).test(key)),
      )
      .every(([, item]) => wanted !== false && isValid(wanted, item)),
};
const WORDS = ['$schema', '$id', 'title', 'description', 'default', 'patternProperties', 'propertyNames'];

function isValid(schema: Json, value: JsonValue): boolean {
  return Object.entries(schema)
    .filter(([word]) => !WORDS.includes(word))
    .every(([word, wanted]) => {
      const rule = RULES[word];
      if (rule === undefined) throw new Error(`the keyword ${word} is not known to this test`);
      return rule(wanted as never, value as never, schema);
    });
}

const SCHEMA = JSON.parse(readFileSync(join(ROOT, 'vagga/schema/vagga.json'), 'utf8')) as Json;

function asEditor(text: string): JsonValue {
  const tree = parseYaml(text, { file: 'vagga.yaml' });
  const value = tree.ok ? decode(s.any(), tree.value) : tree;
  if (!value.ok) throw new Error(JSON.stringify(value.errors));
  return value.value;
}

t.test('every config of the examples and of the wild is valid in an editor', async t => {
  for (const directory of ['vagga/docs/examples', 'vagga/test/fixtures/projects']) {
    for (const name of readdirSync(join(ROOT, directory))) {
      const text = readFileSync(join(ROOT, directory, name, 'vagga.yaml'), 'utf8');
      // Editors do not follow directives.
      if (!text.includes('!*')) t.ok(isValid(SCHEMA, asEditor(text)), `${directory}/${name}`);
    }
  }
});

t.test('what is wrong whatever the tag is marked in an editor', async t => {
  const wrong = [
    'containers: []\n',
    'containers: {c: {setupp: []}}\n',
    'containers: {c: {auto-clean: perhaps}}\n',
    'containers: {c: {volumes: {/x: !Tmpfs {sizze: 1}}}}\n',
    'minimal-vagga: v1\n',
  ];
  for (const text of wrong) t.notOk(isValid(SCHEMA, asEditor(text)), text);
});

t.test('every tag of a config is in the list for editors', async t => {
  const list = JSON.parse(readFileSync(join(ROOT, 'vagga/schema/vscode.json'), 'utf8'))[
    'yaml.customTags'
  ] as string[];
  const known = new Set(list.map(entry => entry.split(' ')[0]));
  const directory = join(ROOT, 'vagga/test/fixtures/projects');
  const used = readdirSync(directory).flatMap(name =>
    [
      ...readFileSync(join(directory, name, 'vagga.yaml'), 'utf8').matchAll(
        /(?:^|[:-]|\[|&\w+) (!\*?[A-Z]\w+)/gm,
      ),
    ].map(([, tag]) => tag),
  );
  t.ok(used.length > 100);
  t.same(
    [...new Set(used)].filter(tag => !known.has(tag)),
    [],
  );
});
