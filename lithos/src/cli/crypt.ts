// What lithos_crypt does. It needs no host: developers encrypt with the public key of a host they cannot enter.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ParsedRun } from '@suite/shared/cli/command.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { parsePrivateKeys, parsePublicKey } from '../adapters/secrets/openssh.ts';
import { decrypt, encrypt, isFor, NAMESPACE, parseSecretString } from '../adapters/secrets/secret-string.ts';
import { LIMITS } from '../config/defaults.ts';

const STDIN = 0;
const EPHEMERAL_BYTES = 32;

class Refused extends Error {}

function option(run: ParsedRun, name: string): string {
  const value = run.options[name];
  if (typeof value !== 'string') throw new Refused(`--${name} is required`);
  return value;
}

function readLimited(file: string | number, what: string): string {
  const bytes = readFileSync(file);
  if (bytes.length > LIMITS.keyFileBytes)
    throw new Refused(`${what} has more than ${LIMITS.keyFileBytes} bytes`);
  return bytes.toString('utf8');
}

/** From stdin without the line's end that a terminal or `echo` adds. */
function data(run: ParsedRun): string {
  const text = option(run, 'data');
  return text === '-' ? readLimited(STDIN, 'stdin').replace(/\r?\n$/, '') : text;
}

/** What `parse` makes of the key file; its name comes before whatever is wrong with it. */
function keyFrom<T>(run: ParsedRun, parse: (text: string) => T): T {
  const file = option(run, 'key-file');
  try {
    return parse(readLimited(file, 'it'));
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Refused(`${file}: ${isAbsent ? 'it does not exist' : (error as Error).message}`);
  }
}

function encryptCommand(run: ParsedRun): number {
  const namespace = (run.options.namespace as string | undefined) ?? '';
  if (!NAMESPACE.test(namespace))
    throw new Refused(`\`${namespace}\` is no namespace: letters, digits, \`_\`, \`.\`, \`-\``);
  const publicKey = keyFrom(run, parsePublicKey);
  const value = encrypt({ namespace, secret: data(run) }, publicKey, randomBytes(EPHEMERAL_BYTES));
  process.stdout.write(`${value}\n`);
  return EXIT.ok;
}

/** The secret alone on stdout, so that it can be piped; what only a person wants on stderr. */
function decryptCommand(run: ParsedRun): number {
  const key = keyFrom(run, parsePrivateKeys).at(-1);
  if (key === undefined) throw new Refused('there is no key in it');
  const { namespace, secret } = decrypt(parseSecretString(data(run)), key);
  process.stderr.write(`${namespace}:`);
  process.stdout.write(secret);
  process.stderr.write('\n');
  return EXIT.ok;
}

function checkKeyCommand(run: ParsedRun): number {
  if (isFor(parseSecretString(data(run)), keyFrom(run, parsePublicKey))) return EXIT.ok;
  throw new Refused('it was encrypted for another key');
}

const COMMANDS: Readonly<Record<string, (run: ParsedRun) => number>> = {
  encrypt: encryptCommand,
  decrypt: decryptCommand,
  'check-key': checkKeyCommand,
};

export function runCrypt(run: ParsedRun): number {
  const command = COMMANDS[run.command[0] ?? ''];
  try {
    if (command === undefined) throw new Refused('say what to do: encrypt, decrypt or check-key');
    return command(run);
  } catch (error) {
    process.stderr.write(`lithos_crypt: ${(error as Error).message}\n`);
    return EXIT.failed;
  }
}
