// What execve(2) cannot pass on, and secrets that nobody could decrypt.
import { wantsSecrets } from '../secrets.ts';
import { inContainer, inEntry, type Path, type Rule } from './subject.ts';
import { expandedTexts } from './variables.ts';

const hasNul = (text: string) => text.includes('\0');

/** It would be cut short at the NUL, or become another variable. */
const execRule: Rule = subject => {
  const { environ, secretEnviron } = subject.keys;
  const { variables } = subject.entry.entry;
  const nul = 'a NUL character cannot be passed to a program';
  const values: { path: Path; text: string }[] = Object.entries(environ).map(([key, text]) => ({
    path: ['environ', key],
    text,
  }));
  const isBadName = (name: string) => name === '' || /[=\0]/.test(name);
  const badNames = (key: string, names: readonly string[]) =>
    names.filter(isBadName).map(name => {
      const message = `\`${name}\` cannot be the name of an environment variable`;
      return inContainer(subject, 'bad-environ-name', message, [key, name]);
    });
  return [
    ...[...expandedTexts(subject.keys), ...values]
      .filter(({ text }) => hasNul(text))
      .map(({ path }) => inContainer(subject, 'nul', nul, path)),
    ...badNames('environ', Object.keys(environ)),
    ...badNames('secret-environ', Object.keys(secretEnviron)),
    ...Object.entries(variables)
      .filter(([, value]) => hasNul(value))
      .map(([name]) => inEntry(subject, 'nul', nul, ['variables', name])),
  ];
};

const secretRule: Rule = subject => {
  const { secretEnviron, secretEnvironFile } = subject.keys;
  if (!wantsSecrets(subject.keys)) return [];
  const isInline = Object.keys(secretEnviron).length > 0;
  const key = isInline ? 'secret-environ' : 'secret-environ-file';
  const both = 'only one of `secret-environ` and `secret-environ-file` may be given';
  const keyless = `sandbox ${subject.sources.name} has no \`secrets-private-key\``;
  return [
    ...(isInline && secretEnvironFile !== null
      ? [inContainer(subject, 'two-secrets', both, ['secret-environ-file'])]
      : []),
    ...(subject.sandbox.secretsPrivateKey === null
      ? [inContainer(subject, 'no-secrets-key', keyless, [key])]
      : []),
  ];
};

export const programRule: Rule = subject => [...execRule(subject), ...secretRule(subject)];
