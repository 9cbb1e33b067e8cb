// Subordinate ids and the maps made of them.
import t from 'tap';
import { isIdentity, layOver, mapText, parseMap, wholeMap, within } from '../../src/core/ids/maps.ts';
import { containerIds, type SessionIds, sessionMaps } from '../../src/core/ids/session.ts';
import { parseSubordinate } from '../../src/core/ids/subordinate.ts';

const OWNER = { name: 'user', uid: 1000, own: 1000 };
const parse = (text: string) => parseSubordinate({ path: '/etc/subuid', text }, OWNER);
const DEFAULT = [{ start: 0, end: 65_536 }];
const mapped = (...ranges: { start: number; end: number }[]): SessionIds => ({
  kind: 'mapped',
  uids: { own: 1000, ranges },
  gids: { own: 1000, ranges },
});

t.test('§5.1 id-map: ranges from /etc/subuid are the lines of the user, in their order', async t => {
  t.match(parse('# people\nother:1:2\nuser:300000:10\n\nuser:100000:65536\n'), {
    ok: true,
    ranges: [
      { start: 300_000, end: 300_010 },
      { start: 100_000, end: 165_536 },
    ],
    warnings: [],
  });
  t.match(parse('1000:100000:5\n'), { ranges: [{ start: 100_000 }] }, 'by number, as newuidmap does');
  t.same(parse(''), { ok: true, ranges: [], warnings: [] });
});

t.test('§5.1 bad-lines: wrong lines of /etc/subuid spoil the file', async t => {
  for (const line of ['user:100000', 'user:1:2:3', 'user:x:1', 'user:100000:0', ':1:2', 'user:-1:5'])
    t.same(parse(`other:1:1\n${line}\nuser:100000:65536\n`), {
      ok: false,
      message: `/etc/subuid:2: Bad syntax: ${JSON.stringify(line)}`,
    });
});

t.test('§5.1 own-id: in the range is refused, a low start warned of', async t => {
  const message =
    "/etc/subuid:1: range 0..65534 includes original id, they should only include additional ranges not user's own uid/gid";
  t.same(parse('user:0:65535\n'), { ok: false, message });
  t.match(parse('user:500:501\n'), { ok: false }, 'also as the last one of the range');
  t.match(parse('user:501:499\n'), { ok: true, warnings: [/^\/etc\/subuid:1: range starts at 501/] });
  t.match(parse('other:0:65535\n'), { ok: true }, 'of somebody else it does not matter');
});

t.test('§5.1 id-map: 0 is ourselves, the rest follows over the ranges', async t => {
  const ids = { own: 1000, ranges: [{ start: 100_000, end: 165_536 }] };
  t.equal(
    mapText(layOver(DEFAULT, ids) ?? []),
    '         0       1000          1\n         1     100000      65535\n',
    'byte for byte as the kernel prints it',
  );
  const two = {
    own: 1000,
    ranges: [
      { start: 500, end: 503 },
      { start: 700, end: 800 },
    ],
  };
  t.same(
    layOver(
      [
        { start: 0, end: 3 },
        { start: 10, end: 15 },
      ],
      two,
    ),
    [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 500, count: 2 },
      { inside: 10, outside: 502, count: 1 },
      { inside: 11, outside: 700, count: 4 },
    ],
  );
  t.same(
    layOver(
      [
        { start: 5, end: 9 },
        { start: 7, end: 8 },
      ],
      two,
    )?.slice(1),
    [
      { inside: 5, outside: 500, count: 3 },
      { inside: 8, outside: 700, count: 1 },
    ],
    'a range inside another is asked for once',
  );
  t.equal(layOver([{ start: 0, end: 105 }], two), undefined, '103 are there, 104 wanted');
  t.equal(layOver([{ start: 0, end: 104 }], two)?.length, 3, 'exactly enough');
  const text = '         0       1000          1\n';
  t.equal(mapText(parseMap(text)), text);
});

t.test('§5.1 too-few: the message with what is required and allowed', async t => {
  const ids = mapped({ start: 100_000, end: 165_536 });
  const found = containerIds(ids, { uids: [{ start: 0, end: 1_000_000_001 }], gids: DEFAULT });
  t.match(found, {
    ok: false,
    message:
      /^Number of allowed subuids is too small\. Required 0-1000000000, allowed 100000-165535 \(.*1000000000/,
  });
  t.match(containerIds(ids, { uids: DEFAULT, gids: [{ start: 0, end: 99_999 }] }), {
    message: /^Number of allowed subgids is too small\./,
  });
});

t.test(
  '§5.1 id-map: ids of a container inside the session: nested only when they are not its first ones',
  async t => {
    const ids = mapped({ start: 100_000, end: 165_536 });
    const plain = containerIds(ids, { uids: DEFAULT, gids: DEFAULT });
    t.match(plain, { ok: true, uidMap: /^ +0 +1000 +1\n +1 +100000 +65535\n$/ });
    t.notOk(plain.ok && plain.nested);
    const odd = containerIds(ids, {
      uids: [
        { start: 0, end: 1 },
        { start: 1000, end: 1002 },
      ],
      gids: DEFAULT,
    });
    t.match(odd, {
      ok: true,
      uidMap: '         0       1000          1\n      1000     100000          2\n',
    });
    t.same(odd.ok && odd.nested?.uids, [
      { inside: 0, outside: 0, count: 1 },
      { inside: 1000, outside: 1, count: 2 },
    ]);
    t.same(within([{ inside: 3, outside: 99, count: 1 }], wholeMap({ own: 1, ranges: [] })), undefined);
    t.ok(isIdentity(sessionMaps({ kind: 'single', uid: 0, gid: 0, reason: '' })?.uids ?? []));
  },
);

t.test('§5.1 single-id: enough for who asks for none in particular', async t => {
  const ids: SessionIds = { kind: 'single', uid: 1000, gid: 1001, reason: 'none' };
  t.same(containerIds(ids, { uids: DEFAULT, gids: DEFAULT }), {
    ok: true,
    uidMap: '         0       1000          1\n',
    gidMap: '         0       1001          1\n',
  });
  t.match(containerIds(ids, { uids: [{ start: 0, end: 11 }], gids: DEFAULT }), {
    ok: false,
    message: /too small\. Required 0-10, allowed none/,
  });
  t.equal(containerIds(ids, { uids: [{ start: 0, end: 1 }], gids: [] }).ok, true);
});
