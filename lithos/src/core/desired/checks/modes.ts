// Permissions that look octal and are not: in these files 755 and 0755 are decimal numbers, and nearly nobody means them.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { diagnostic, locate, nodeAt } from '../../../config/locate.ts';
import type { Container } from './subject.ts';

const LOOKS_OCTAL = /^0?[0-7]{3,4}$/;

function modeWarning({ node }: Container, path: readonly string[]): Diagnostic[] {
  const found = nodeAt(node, path);
  if (found?.kind !== 'scalar' || !LOOKS_OCTAL.test(found.text)) return [];
  const meant = `0o${found.text.replace(/^0/, '')}`;
  const message = `${found.text} is a decimal number: the permissions are 0o${Number(found.text).toString(8)}`;
  return [diagnostic('decimal-mode', 'warning', message, locate(node, path), `write ${meant}`)];
}

export function checkModes(container: Container): Diagnostic[] {
  const { volumes, unixSockets } = container.value;
  return [
    ...Object.keys(volumes).flatMap(target => modeWarning(container, ['volumes', target, 'mode'])),
    ...Object.keys(unixSockets).flatMap(path => modeWarning(container, ['unix-sockets', path, 'mode'])),
  ];
}
