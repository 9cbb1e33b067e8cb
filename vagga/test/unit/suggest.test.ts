import t from 'tap';
import { suggestion } from '../../src/core/options/suggest.ts';

const OWN = ['_build', '_build_shell', '_ps', '_run', '_stop'];
const LIST = 'Run vagga without arguments to see the list.';

t.test('a word that is no command', async t => {
  for (const [word, expected] of [
    ['tset', 'Did you mean test?'],
    ['ps', 'Did you mean _ps? Commands of vagga itself begin with an underscore.'],
    ['build-shell', 'Did you mean _build_shell? Commands of vagga itself begin with an underscore.'],
    ['_build', '_build is a command of vagga itself: it cannot be one of several.'],
    ['_biuld', 'Did you mean _build?'],
    ['down', 'vagga _stop ends what runs in the background; Ctrl-C what runs in a terminal.'],
    ['top', 'vagga _ps shows what runs.'],
    ['constructor', LIST],
    ['nonsense', LIST],
    ['', LIST],
  ] as const)
    t.equal(suggestion(word, ['test', 'doc'], OWN), expected, word);
  t.equal(suggestion('up', ['up2'], OWN), 'Did you mean up2?', 'what the project has comes first');
});
