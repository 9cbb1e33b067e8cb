import t from 'tap';
import type { ProcessEntry } from '../../src/config/process.ts';
import { checkVariable } from '../../src/config/variables.ts';
import { expand, expandEnviron } from '../../src/core/desired/expand.ts';
import { historyOf, identityOf } from '../../src/core/desired/identity.ts';
import { checkImageName, components, mapPath } from '../../src/core/desired/paths.ts';

t.test('§3.2 identity: compact JSON in the documented order, from the meaning only', async t => {
  const entry: ProcessEntry = {
    image: 'a.b',
    config: '/config/x.yaml',
    kind: 'Daemon',
    instances: 3,
    variables: {},
    ipAddresses: [],
    extraSecretsNamespaces: [],
  };
  t.equal(identityOf(entry, 2), '{"instances":1,"image":"a.b","config":"/config/x.yaml","kind":"Daemon"}');
  const whole = { ...entry, variables: { k: 'v', a: '2' }, extraSecretsNamespaces: ['n'] };
  const addressed = { ...whole, ipAddresses: ['10.0.0.1', '10.0.0.2'] };
  t.equal(
    identityOf(addressed, 1),
    '{"instances":1,"image":"a.b","config":"/config/x.yaml","variables":{"a":"2","k":"v"},' +
      '"extra_secrets_namespaces":["n"],"ip_address":"10.0.0.2","kind":"Daemon"}',
  );
  t.equal(
    identityOf({ ...addressed, variables: { a: '2', k: 'v' } }, 1),
    identityOf(addressed, 1),
    'more than one variable in any order',
  );
  t.equal(
    historyOf({ z: { ...entry, kind: 'Command' }, b: addressed }),
    '{"b":{"instances":3,"image":"a.b","config":"/config/x.yaml","variables":{"a":"2","k":"v"},' +
      '"extra_secrets_namespaces":["n"],"ip_addresses":["10.0.0.1","10.0.0.2"],"kind":"Daemon"},' +
      '"z":{"instances":3,"image":"a.b","config":"/config/x.yaml","kind":"Command"}}',
    '§3.5 history-line: every entry, names sorted',
  );
});

t.test('§2.5 expansion: once, everywhere in a text', async t => {
  const values = new Map([
    ['a', '1'],
    ['b', '@{a}'],
  ]);
  t.same(expand('x@{a}y@{ b }', values), { text: 'x1y@{a}', missing: [] });
  t.same(expand('@{no} @{no} @{nor}', values).missing, ['no', 'nor']);
  t.equal(expand('@{a', values).text, '@{a');
  t.equal(expandEnviron('@{lithos:pid}', values, true).text, '2');
  t.same(expandEnviron('@{ lithos:pid }', values, true).missing, ['lithos:pid']);
  t.same(
    expandEnviron('@{lithos:pid}', values, false).missing,
    ['lithos:pid'],
    'unknown beforehand with shared pids',
  );
});

t.test('§2.5 tcp-port-type, §2.5 choice-type, §2.5 name-type and §2.5 dotted-name-type', async t => {
  const port = { tag: 'TcpPort' as const, value: { activation: 'none' as const } };
  t.equal(checkVariable(port, '8080'), undefined);
  for (const bad of ['0', '65536', '-1', '8k', '']) t.ok(checkVariable(port, bad), bad);
  const name = { tag: 'Name' as const, value: {} };
  t.equal(checkVariable(name, 'a-B_9'), undefined);
  for (const bad of ['', 'a.b', 'ä']) t.ok(checkVariable(name, bad), bad);
  const dotted = { tag: 'DottedName' as const, value: {} };
  t.equal(checkVariable(dotted, 'a.b-c.d'), undefined);
  for (const bad of ['', 'a..b', '-a.b', 'a-.b']) t.ok(checkVariable(dotted, bad), bad);
  t.match(checkVariable({ tag: 'Choice', value: ['x', 'y'] }, 'z'), 'not one of x, y');
});

t.test('§4.3 volume-paths: the shorter prefix wins, nothing climbs', async t => {
  const paths = { '/a': '/host/a', '/a/b': '/host/deep', '/c/': '/host/c/' };
  t.equal(mapPath(paths, '/a/b/x')?.path, '/host/a/b/x');
  t.same(mapPath(paths, '/a'), { root: '/host/a', path: '/host/a' });
  t.equal(mapPath(paths, '/c/d')?.path, '/host/c/d');
  t.equal(mapPath(paths, '/ab'), undefined, 'component by component');
  t.equal(mapPath(paths, '/a/../etc'), undefined);
  t.same(mapPath({ '/': '/srv' }, '/x'), { root: '/srv', path: '/srv/x' });
  t.equal(components('relative'), undefined);
  t.equal(checkImageName('app.1', 1), undefined);
  t.equal(checkImageName('team/app.1', 2), undefined);
  for (const bad of ['/app', './app', '../app', 'a//b', '']) t.ok(checkImageName(bad, 1), bad);
  t.match(checkImageName('team/app', 1), 'has 2 path components; `image-dir-levels` is 1');
});
