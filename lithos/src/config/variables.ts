// Types of container variables (`!TcpPort`, `!Choice [..]`, `!Name`, `!DottedName`) and the check of one value.
import { type Infer, s } from '@suite/shared/schema/index.ts';

/** `none` is upstream's default; passing sockets is a later feature. */
const activation = s.check(s.any(), value =>
  value === null || value === 'none' ? undefined : '`activation` is not available yet',
);
const tcpPort = s.struct({ activation: s.optional(activation) });

export const variableSchema = s.tagged({
  TcpPort: tcpPort,
  Choice: s.list(s.text()),
  Name: s.struct({}),
  DottedName: s.struct({}),
});

export type VariableType = Infer<typeof variableSchema>;

const PORT_MAX = 65_535;
const NAME = /^[0-9A-Za-z_-]+$/;
const DOTTED_PART = /^[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?$/;

/** Undefined when `value` fits the declared type, else what is wrong with it. */
export function checkVariable(type: VariableType, value: string): string | undefined {
  switch (type.tag) {
    case 'TcpPort':
      return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= PORT_MAX
        ? undefined
        : `\`${value}\` is no TCP port (1 to ${PORT_MAX})`;
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
