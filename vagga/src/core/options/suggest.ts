// What somebody may have meant with a word that is no command.
import { nearest } from '@suite/shared/schema/nearest.ts';

/** Words of docker compose, devenv, make and others whose command is called otherwise here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  up: 'Services are children of a command of the project (!Supervise): run that one.',
  start:
    'Services are children of a command of the project (!Supervise): run that one, with -d in the background.',
  down: 'vagga _stop ends what runs in the background; Ctrl-C what runs in a terminal.',
  pull: 'vagga _build --force CONTAINER looks at registries and mirrors again.',
  prune: 'vagga _clean removes what is not needed; vagga _df shows what there is.',
  top: 'vagga _ps shows what runs.',
  shell: 'A shell in a container: vagga _run CONTAINER sh',
  images: 'vagga _df lists images and what they take.',
  config: 'vagga _dump_config shows what was read.',
  init: 'vagga.yaml is here already.',
};

const LIST = 'Run vagga without arguments to see the list.';

/** A line for people. `ofProject`: commands and aliases; `ofVagga`: names with their underscore. */
export function suggestion(word: string, ofProject: readonly string[], ofVagga: readonly string[]): string {
  const near = nearest(word, ofProject);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (ofVagga.includes(word)) return `${word} is a command of vagga itself: it cannot be one of several.`;
  const own = `_${word.replaceAll('-', '_')}`;
  if (ofVagga.includes(own)) return `Did you mean ${own}? Commands of vagga itself begin with an underscore.`;
  if (Object.hasOwn(ELSEWHERE, word)) return ELSEWHERE[word] ?? LIST;
  const nearOwn = word.startsWith('_') ? nearest(word, ofVagga) : undefined;
  return nearOwn === undefined ? LIST : `Did you mean ${nearOwn}?`;
}
