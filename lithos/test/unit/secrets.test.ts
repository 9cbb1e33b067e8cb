// Encrypted values: the published vectors, keys as ssh-keygen writes them, and everything that must be refused.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { BadFormat } from '../../src/adapters/secrets/bytes.ts';
import { chooseSecret } from '../../src/adapters/secrets/choose.ts';
import { type KeyPair, parsePrivateKeys, parsePublicKey } from '../../src/adapters/secrets/openssh.ts';
import { open, seal } from '../../src/adapters/secrets/sealed-box.ts';
import {
  decrypt,
  encrypt,
  isFor,
  parseSecretString,
  shortHash,
} from '../../src/adapters/secrets/secret-string.ts';

const SEED = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const PUBLIC = Buffer.from('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', 'hex');
const EPHEMERAL = Buffer.from(Array.from({ length: 32 }, (_, index) => 0x40 + index));
const KEY: KeyPair = { publicKey: PUBLIC, seed: SEED };
const VECTOR =
  'v2:i4+dWTpg:KqWSX0BY:8MtOoWUX:eaYx7t4b+cmPEgMs3q3Q56B5OY/HhriMyEbsia+FpRq6zU5nmOyS+RiqOSxVL0wSG+O6N7INBfhW20m9PrjNdQ==';

function field(...parts: (Buffer | string)[]): Buffer {
  return Buffer.concat(
    parts.map(part => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );
}

const count = (value: number) => Buffer.from([0, 0, 0, value]);

/** A private key file with `keys`, as OpenSSH's PROTOCOL.key lays it out; `change` spoils it. */
function privateFile(
  keys: readonly KeyPair[],
  change: { cipher?: string; check?: number; magic?: string } = {},
): string {
  const body = Buffer.concat([
    Buffer.from([1, 2, 3, 4, 1, 2, 3, change.check ?? 4]),
    ...keys.map(key =>
      field('ssh-ed25519', Buffer.from(key.publicKey), Buffer.concat([key.seed, key.publicKey]), 'me'),
    ),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const blob = Buffer.concat([
    Buffer.from(change.magic ?? 'openssh-key-v1\0'),
    field(change.cipher ?? 'none', 'none', ''),
    count(keys.length),
    ...keys.map(key => field(field('ssh-ed25519', Buffer.from(key.publicKey)))),
    field(Buffer.concat([body, padding])),
  ]);
  const lines = blob.toString('base64').replaceAll(/(.{70})/g, '$1\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function keyOf(name: string): KeyPair {
  // Any point will do where nothing is encrypted for it.
  const seed = createHash('sha256').update(name).digest();
  return { seed, publicKey: PUBLIC };
}

t.test('§4.8 secret-vector: short hashes and sealed boxes equal the published vectors', async t => {
  t.equal(shortHash('the_secret'), '8MtOoWUX');
  t.equal(shortHash('myapp'), 'KqWSX0BY');
  t.equal(encrypt({ namespace: 'myapp', secret: 'the_secret' }, PUBLIC, EPHEMERAL), VECTOR);
  t.same(decrypt(parseSecretString(VECTOR), KEY), { namespace: 'myapp', secret: 'the_secret' });
  t.equal(isFor(parseSecretString(VECTOR), PUBLIC), true);
  t.equal(isFor(parseSecretString(VECTOR), SEED), false);
});

t.test(
  '§4.8 what is sealed can be opened by the right key alone, and not when a byte of it changed',
  async t => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (message, where) => {
        const sealed = seal(message, PUBLIC, EPHEMERAL);
        const same = open(sealed, SEED)?.equals(message) ?? false;
        const damaged = Buffer.from(sealed);
        damaged[where % damaged.length] = (damaged[where % damaged.length] as number) ^ 1;
        return same && open(damaged, SEED) === undefined && open(sealed, EPHEMERAL) === undefined;
      }),
      { numRuns: 50 },
    );
    t.equal(open(Buffer.alloc(47), SEED), undefined, 'too short');
  },
);

t.test('§1.8 public keys: the first line, ed25519 alone', async t => {
  const line = `ssh-ed25519 ${field('ssh-ed25519', PUBLIC).toString('base64')} me@host\nmore`;
  t.same(Buffer.from(parsePublicKey(line)), PUBLIC);
  const bad: [string, RegExp][] = [
    ['ssh-rsa AAAA', /only ed25519/],
    ['ssh-ed25519 !!!', /base64/],
    ['ssh-ed25519', /base64/],
    [`ssh-ed25519 ${field('ssh-ed25519', PUBLIC.subarray(1)).toString('base64')}`, /32 bytes, not 31/],
    [`ssh-ed25519 ${field('ssh-dss', PUBLIC).toString('base64')}`, /key types differ/],
    [`ssh-ed25519 ${field('ssh-ed25519').toString('base64')}`, /ends too early/],
  ];
  for (const [text, message] of bad) t.throws(() => parsePublicKey(text), { message });
});

t.test('§1.8 private keys: several blocks, several keys in a block, no passphrase', async t => {
  t.same(parsePrivateKeys(privateFile([KEY]))[0]?.seed, SEED);
  const other = keyOf('other');
  t.equal(parsePrivateKeys(`${privateFile([KEY])}\n${privateFile([other])}`).length, 2);
  t.equal(parsePrivateKeys(privateFile([KEY, other])).length, 2);
  const bad: [string, RegExp][] = [
    ['', /no OpenSSH private key/],
    [privateFile([KEY], { cipher: 'aes256-ctr' }), /passphrase/],
    [privateFile([KEY], { check: 5 }), /damaged/],
    [privateFile([KEY], { magic: 'openssh-key-v2\0' }), /no openssh-key-v1/],
    [privateFile([]), /holds 0 keys/],
    [privateFile([{ seed: SEED, publicKey: SEED.subarray(1) }]), /32 bytes/],
  ];
  for (const [text, message] of bad) t.throws(() => parsePrivateKeys(text), { message });
});

t.test('whatever a key file or an encrypted value holds, it is refused in words', async t => {
  const file = privateFile([KEY]);
  fc.assert(
    fc.property(fc.nat({ max: file.length - 1 }), fc.string({ maxLength: 3 }), (at, instead) => {
      for (const parse of [
        () => parsePrivateKeys(file.slice(0, at) + instead + file.slice(at + 1)),
        () => decrypt(parseSecretString(VECTOR.slice(0, at % VECTOR.length) + instead), KEY),
      ]) {
        try {
          parse();
        } catch (error) {
          if (!(error instanceof BadFormat)) return false;
        }
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.pass('2,000 damaged files and values');
});

t.test('§4.8 secret-format: five fields, version 2, hashes that fit', async t => {
  const parts = VECTOR.split(':');
  const change = (index: number, text: string) =>
    parts.map((part, at) => (at === index ? text : part)).join(':');
  const bad: [string, RegExp][] = [
    [change(0, 'v1'), /starts with `v2:`/],
    [`${VECTOR}:more`, /5 fields/],
    [parts.slice(0, 4).join(':'), /5 fields/],
    [change(4, '***'), /base64/],
    [change(1, 'AAAAAAAA'), /another key/],
    [change(2, 'AAAAAAAA'), /hashes/],
    [change(3, 'AAAAAAAA'), /hashes/],
    [change(4, 'AAAA'), /damaged/],
  ];
  for (const [text, message] of bad) t.throws(() => decrypt(parseSecretString(text), KEY), { message });
});

t.test(
  '§4.8 secret-choice and §4.8 secret-namespaces: the first value that can be decrypted and is allowed counts; keys come first',
  async t => {
    const make = (namespace: string, secret: string) => encrypt({ namespace, secret }, PUBLIC, EPHEMERAL);
    const access = { keys: [keyOf('stranger'), KEY], namespaces: ['web', 'db'] };
    t.equal(chooseSecret([make('other', 'no'), make('db', 'first'), make('web', 'second')], access), 'first');
    t.equal(chooseSecret([make('web', 'a:b:c')], access), 'a:b:c', 'a secret may have colons');
    t.throws(() => chooseSecret([make('', 'x')], access), { message: /namespace `` is not one/ });
    t.equal(chooseSecret([make('', 'x')], { ...access, namespaces: [''] }), 'x');
    t.throws(() => chooseSecret([make('web', 'a\0b')], access), { message: /NUL/ });
    const refused = () => chooseSecret([make('other', 'tell-nobody')], access);
    try {
      refused();
      t.fail('it was not refused');
    } catch (error) {
      t.notMatch((error as Error).message, 'tell-nobody');
    }
  },
);
