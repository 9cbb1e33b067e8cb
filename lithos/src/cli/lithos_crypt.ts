import type { CommandSpec, OptionSpec } from '@suite/shared/cli/command.ts';
import { runCrypt } from './crypt.ts';
import { runCommand } from './shared-options.ts';

const KEY: OptionSpec = {
  long: 'key-file',
  short: 'k',
  argument: 'PUBLIC',
  summary: 'OpenSSH public key, ed25519',
  complete: 'file',
};
const DATA: OptionSpec = { long: 'data', short: 'd', argument: 'TEXT', summary: '`-` reads it from stdin' };

const SPEC: CommandSpec = {
  name: 'lithos_crypt',
  summary: 'Encrypts values for `secret-environ` with a public key, and looks into them.',
  examples: [
    ['lithos_crypt encrypt -k host.pub -n web -d -', 'what you type becomes a `v2:` value'],
    ['lithos_crypt decrypt -i /etc/lithos/key -d "v2:…"', 'what is in it'],
    ['lithos_crypt check-key -k host.pub -d "v2:…"', 'exit code 0 if it is for that key'],
  ],
  options: [],
  commands: [
    {
      name: 'encrypt',
      summary: 'print an encrypted value',
      options: [
        KEY,
        DATA,
        {
          long: 'namespace',
          short: 'n',
          argument: 'NAME',
          summary: 'only sandboxes with it may decrypt (default none)',
        },
      ],
    },
    {
      name: 'decrypt',
      summary: 'print the secret; its namespace goes to stderr',
      options: [
        {
          ...KEY,
          short: 'i',
          argument: 'PRIVATE',
          summary: 'OpenSSH private key without a passphrase; of several the last',
        },
        DATA,
      ],
    },
    {
      name: 'check-key',
      summary: 'tell by the exit code whether a value is for a key',
      options: [KEY, DATA],
    },
  ],
  footer:
    'Exit codes: 0 done, 1 anything else. Words on a command line are seen by everybody on the host: prefer `-d -`.',
};

void runCommand(SPEC, async run => runCrypt(run), { usageExit: 1 });
