// `_completion SHELL`: the script that makes a shell ask `_compgen`.
import { SCRIPTS } from '../../core/options/completion-scripts.ts';
import type { CommandLineSpec } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { type BuiltinEntry, parsedLine } from './registry.ts';

const SPEC: CommandLineSpec = {
  name: 'vagga _completion',
  description: 'Print a script that completes command lines of vagga in a shell',
  options: [],
  positionals: [{ name: 'shell', takes: 'required', help: Object.keys(SCRIPTS).join(', ') }],
  epilogue: `Examples:
  eval "$(vagga _completion bash)"                  in ~/.bashrc
  vagga _completion zsh > ~/.zfunc/_vagga           with ~/.zfunc in fpath
  vagga _completion fish > ~/.config/fish/completions/vagga.fish`,
};

/** Needs no project: shells ask for it wherever they start. */
export function printCompletion(words: readonly string[]): number {
  const line = parsedLine(SPEC, words);
  if (typeof line === 'number') return line;
  const [shell = ''] = line.words;
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) return say(122, `No completion for ${shell}: ${Object.keys(SCRIPTS).join(', ')}`);
  process.stdout.write(script);
  return 0;
}

export const completion: BuiltinEntry = {
  title: SPEC.description ?? '',
  spec: SPEC,
  run: (_, words) => printCompletion(words),
};
