// Types of container variables (`!TcpPort`, `!Choice [..]`, `!Name`, `!DottedName`) and the check of one value.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { LIMITS } from './defaults.ts';

const tcpPort = s.struct({
  activation: s.withDefault(
    s.choice(['none', 'systemd']),
    'none',
    '`systemd`: the program gets a socket that listens on this port.',
  ),
});

export const variableSchema = s.tagged({
  TcpPort: tcpPort,
  Choice: s.list(s.text()),
  Name: s.struct({}),
  DottedName: s.struct({}),
});

export type VariableType = Infer<typeof variableSchema>;

const NAME = /^[0-9A-Za-z_-]+$/;
const DOTTED_PART = /^[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?$/;

/** Decimal digits, 1 to 65535; 0 would let the kernel choose, and nobody would know. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= LIMITS.portMax ? port : undefined;
}

/** Undefined when `value` fits the declared type, else what is wrong with it. */
export function checkVariable(type: VariableType, value: string): string | undefined {
  switch (type.tag) {
    case 'TcpPort':
      return parsePort(value) === undefined
        ? `\`${value}\` is no TCP port (1 to ${LIMITS.portMax})`
        : undefined;
    case 'Choice':
      return type.value.includes(value) ? undefined : `\`${value}\` is not one of ${type.value.join(', ')}`;
    case 'Name':
      return NAME.test(value) ? undefined : `\`${value}\` is no name (letters, digits, \`_\`, \`-\`)`;
    case 'DottedName':
      return value.split('.').every(part => DOTTED_PART.test(part))
        ? undefined
        : `\`${value}\` is no dotted name`;
  }
}
