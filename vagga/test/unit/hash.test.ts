// Golden vectors of spec §3.7: identities computed by the original program.
import t from 'tap';
import { MemoryTree, shortHash } from './helpers.ts';

const setup = (steps: string) => `containers:\n  c:\n    setup:\n${steps.replace(/^/gm, '    ')}\n`;

const VECTORS: readonly (readonly [name: string, hash: string, steps: string])[] = [
  ['§3.7 d304a005: Alpine v3.4', 'd304a005', '- !Alpine v3.4'],
  ['§3.7 86210ade: Alpine v3.15', '86210ade', '- !Alpine v3.15'],
  ['§3.7 0ae0aab6: Text', '0ae0aab6', '- !Text {/etc/hello.txt: Hello world!}'],
  ['§3.7 519f0af9: Install', '519f0af9', '- !Alpine v3.4\n- !Install [bc]'],
  [
    '§3.7 998c9d5b: EnsureDir twice',
    '998c9d5b',
    '- !Alpine v3.4\n- !EnsureDir /var/lib/mount_point\n- !EnsureDir /var/lib/mount_point/subdir',
  ],
  [
    '§3.7 fb9b6868: EnsureDir and Text',
    'fb9b6868',
    '- !EnsureDir /var/lib\n- !Text\n  /var/lib/question.txt: To be or not to be?',
  ],
  [
    '§3.7 f703c75a: AlpineRepo',
    'f703c75a',
    '- !Alpine v3.4\n- !AlpineRepo\n  url: http://dl-cdn.alpinelinux.org/alpine/\n  branch: edge\n  repo: community\n  tag: community\n- !Install [tini@community]',
  ],
  [
    '§3.7 5d980472: BuildDeps and Sh',
    '5d980472',
    '- !Alpine v3.7\n- !BuildDeps [bc>=1.07]\n- !Sh echo "631 * 761" | bc',
  ],
  [
    '§3.7 59a8d2d6: RunAs',
    '59a8d2d6',
    '- !Alpine v3.4\n- !RunAs\n  user-id: 1\n  external-user-id: 0\n  isolate-network: true\n  script: |\n    ip link > /var/ip-link-isolated.out',
  ],
  [
    '§3.7 57222830: EnsureDir and a block of shell',
    '57222830',
    '- !Alpine v3.6\n- !EnsureDir /state\n- !Sh |\n    ln -sfn /state/resolv.conf /etc/resolv.conf\n    ln -sfn /state/hosts /etc/hosts',
  ],
  [
    '§3.7 03319fd2: Download and Tar',
    '03319fd2',
    '- !Download\n  url: http://files.zerogw.com/vagga/vagga-0.4.0.tar.xz\n  path: /work/vagga-0.4.0.tar.xz\n- !Tar\n  url: ./vagga-0.4.0.tar.xz\n  subdir: vagga\n  path: /usr/lib/vagga',
  ],
  ['§3.7 835afa14: UbuntuUniverse', '835afa14', '- !Ubuntu focal\n- !UbuntuUniverse\n- !Install [fortune]'],
  [
    '§3.7 4c867b7a: UbuntuRepo',
    '4c867b7a',
    '- !Ubuntu xenial\n- !UbuntuRepo\n  components: [universe]\n- !Install [cowsay]',
  ],
  [
    '§3.7 5d76cc91: AptTrust, UbuntuPPA, PipConfig',
    '5d76cc91',
    '- !Ubuntu xenial\n- !AptTrust keys: [5BB92C09DB82666C]\n- !UbuntuPPA fkrull/deadsnakes\n- !Install [python3.5]\n- !PipConfig\n  install-python: false\n  python-exe: python3.5\n- !Py3Install [setuptools, urp]',
  ],
  ['§3.7 d41880cf: GemInstall', 'd41880cf', '- !Alpine v3.4\n- !GemInstall ["rake:11.1.1"]'],
  [
    '§3.7 ecca9ae2: GemConfig',
    'ecca9ae2',
    '- !Alpine v3.4\n- !GemConfig\n  update-gem: false\n- !GemInstall ["rake:11.1.1"]',
  ],
  [
    '§3.7 b00b84a7: Git',
    'b00b84a7',
    '- !Alpine v3.4\n- !Install [python]\n- !Git\n  url: https://github.com/jdp/urp.git\n  path: /usr/share/urp',
  ],
  [
    '§3.7 5d99d983: Copy inside the image',
    '5d99d983',
    '- !Alpine v3.4\n- !EnsureDir /dir\n- !Text {/dir/file: Hello}\n- !Sh |\n    chmod 700 /dir\n    chmod 600 /dir/file\n- !Copy\n  source: /dir\n  path: /dir.bak',
  ],
  [
    '§3.7 0a69e70c: Copy inside the image with its modes',
    '0a69e70c',
    '- !Alpine v3.4\n- !EnsureDir /dir\n- !Text {/dir/file: Hello}\n- !Sh |\n    chmod 700 /dir\n    chmod 600 /dir/file\n- !Copy\n  source: /dir\n  path: /dir.bak\n  preserve-permissions: true',
  ],
];

const FILES = {
  '/work/dir/exe.sh': { mode: 0o755, text: '#!/bin/sh\necho "Hello!"\n' },
  '/work/dir/hello': 'world\n',
  '/work/dir/second': 'file\n',
  '/work/dir/subdir/file': 'sub\n',
  '/work/file': 'data\n',
};

const copy = (more: string, path = '/dir') => `- !Copy\n  source: /work/dir\n  path: ${path}\n${more}`;
const RULES = "[/hello, '/**/file']";

const COPIES: readonly (readonly [name: string, hash: string, steps: string])[] = [
  ['§3.7 781a47c8: a directory', '781a47c8', `- !Alpine v3.4\n${copy('', '/var/dir')}`],
  ['§3.7 7ad83313: a file', '7ad83313', '- !Alpine v3.4\n- !Copy\n  source: /work/file\n  path: /var/file'],
  ['§3.7 98755219: umask', '98755219', copy('  umask: 0o077')],
  ['§3.7 e4b743de: owner', 'e4b743de', copy('  owner-uid: 1\n  owner-gid: 2')],
  ['§3.7 6ca4b065: preserve-times', '6ca4b065', copy('  preserve-times: true')],
  ['§3.7 c7333188: include-regex', 'c7333188', copy("  include-regex: '(^hello|(^|.*/)file)$'")],
  ['§3.7 c7333188: rules', 'c7333188', copy(`  rules: ${RULES}`)],
  ['§3.7 981e78a1: rules with an exclusion', '981e78a1', copy("  rules: [/hello, '/**/file', '!file']")],
  ['§3.7 ee039a4f: rules that include nothing', 'ee039a4f', copy("  rules: ['!file']")],
];

t.test('steps have the hashes of the original, §3.1 framing', async t => {
  for (const [name, hash, steps] of VECTORS) t.equal(shortHash(setup(steps)), hash, name);
});

t.test(
  '§3.2 Container, §3.2 Build, §3.7 e264500e, §3.7 96121dc4: containers are hashed through their parents',
  async t => {
    const chain = Array.from({ length: 9 }, (_, index) => {
      const parent = index === 0 ? 'base' : `c${index}`;
      return `  c${index + 1}:\n    setup: [!Container ${parent}]\n`;
    });
    t.equal(
      shortHash(`containers:\n  base:\n    setup: [!Alpine v3.4]\n${chain.join('')}`, 'c9'),
      'e264500e',
    );
    const build = `containers:
  src:
    setup:
    - !Ubuntu trusty
    - !UbuntuUniverse
    - !Install [checkinstall]
    - !EnsureDir /usr/share/hello
    - !Text {/usr/share/hello/hello.txt: Hello World!}
  c:
    setup:
    - !Ubuntu trusty
    - !EnsureDir /usr/share/hello
    - !Build
      container: src
      source: /usr/share/hello
      path: /usr/share/hello
`;
    t.equal(shortHash(build), '96121dc4');
  },
);

t.test(
  '§3.2 Copy, §3.2 Depends, §3.7 ce6b370a, §3.7 375d1004: files count by mode, owner and content',
  async t => {
    const tree = new MemoryTree(FILES);
    for (const [name, hash, steps] of COPIES) t.equal(shortHash(setup(steps), 'c', tree), hash, name);
    const modes = Object.fromEntries(
      Object.entries(FILES).map(([path, file]) => {
        const { text } = typeof file === 'string' ? { text: file } : file;
        return [path, { text, mode: path.endsWith('exe.sh') ? 0o770 : 0o660 }];
      }),
    );
    const preserved = copy('  preserve-permissions: true');
    t.equal(
      shortHash(setup(preserved), 'c', new MemoryTree(modes, 0o770)),
      'ce6b370a',
      'preserve-permissions',
    );
    const depends = `- !Depends\n  path: dir\n  rules: ${RULES}`;
    t.equal(shortHash(setup(depends), 'c', tree), '375d1004', 'Depends');
  },
);

t.test(
  '§3.2 Py2Requirements, §3.2 Py3Requirements, §3.7 abeddcee: requirement files count by their lines',
  async t => {
    const steps = setup('- !Ubuntu xenial\n- !Py2Requirements reqs.txt');
    const plain = new MemoryTree({ '/work/reqs.txt': 'setuptools\nurp\n' });
    const nested = new MemoryTree({
      '/work/reqs.txt': '# c\n-r more/a.txt\n',
      '/work/more/a.txt': ' setuptools\n\nurp',
    });
    t.equal(shortHash(steps, 'c', plain), 'abeddcee');
    t.equal(shortHash(steps, 'c', nested), 'abeddcee');
    const cyclic = new MemoryTree({ '/work/reqs.txt': '-r reqs.txt\n' });
    t.match(shortHash(steps, 'c', cyclic), /^failed: Cyclic requirement/);
  },
);

t.test('§3.2 GitDescribe, §3.7 022317fb: the description counts, the pattern does not', async t => {
  const describe = () => 'v0.0.1';
  const hash = (steps: string) => shortHash(setup(steps), 'c', new MemoryTree({}), { describe });
  t.equal(hash('- !GitDescribe /version.txt'), '022317fb');
  t.equal(hash('- !GitDescribe {output-file: /version.txt, pattern: "v*"}'), '022317fb');
});

t.test('§3.3 not-ready: what is missing has no hash yet', async t => {
  t.equal(shortHash(setup('- !Depends nothing')), 'not-ready: /work/nothing does not exist yet');
  t.equal(
    shortHash(setup('- !Copy {source: /work/nothing, path: /x}')),
    'not-ready: /work/nothing does not exist yet',
  );
});

t.test('our own steps', async t => {
  t.not(shortHash(setup('- !Debian bookworm')), shortHash(setup('- !Debian trixie')));
  t.equal(
    shortHash(setup('- !Debian bookworm')),
    shortHash(setup('- !Debian\n  suite: bookworm')),
    'the short and the long form are the same image',
  );
});
