import { type Infer, s } from '@suite/shared/schema/index.ts';
import { globProblem } from './glob.ts';

/**
 * The shape of a render file (`*.render.yaml`): which templates to render and what to do with the results. Commands run in order and
 * stop at the first failure, so "check, then copy" keeps the file that works:
 *
 *     templates: {nginx: nginx.conf.hbs}
 *     commands:
 *     - !Cmd [nginx, -t, -c, "{{ files.nginx }}"]
 *     - !Copy {src: "{{ files.nginx }}", dest: /etc/nginx/nginx.conf, mode: 0o644}
 *     - !Cmd [nginx, -s, reload]
 */

const MAX_MODE = 0o7777;

/** `0o644` and `0644` are octal; a bare `644` was decimal once and is refused. */
export function parseMode(text: string): number | undefined {
  const digits = /^0o?([0-7]{1,5})$/.exec(text.replaceAll('_', ''))?.[1];
  const mode = digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
  return mode <= MAX_MODE ? mode : undefined;
}

const mode = s.check(s.text(), text =>
  parseMode(text) === undefined ? `${text} is no mode: write it in octal, like 0o644` : undefined,
);

function regexProblem(text: string): string | undefined {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'bad regular expression';
  }
}

const regex = s.check(s.text(), regexProblem);
const glob = s.check(s.text(), globProblem);
const argv = s.list(s.text(), { min: 1 });

const LEAVES = {
  Cmd: argv,
  RootCommand: argv,
  Sh: s.text(),
  Copy: s.struct({ src: s.required(s.text()), dest: s.required(s.text()), mode: s.optional(mode) }),
  SplitText: s.struct({
    section: s.required(regex),
    validate: s.required(regex),
    src: s.required(s.text()),
    dest: s.required(glob),
    mode: s.optional(mode),
  }),
  CleanFiles: s.struct({ pattern: s.required(glob), 'keep-list': s.required(s.text()) }),
  PeekLog: s.text({
    pattern: /^[^/]+\/.+/,
    hint: 'NAME/file, where NAME is a log directory of the sandbox files',
  }),
};

const plainCommand = s.tagged(LEAVES);
const command = s.tagged({
  ...LEAVES,
  Condition: s.struct({
    'dirs-changed': s.required(s.list(s.path('absolute'))),
    commands: s.required(s.list(plainCommand)),
  }),
});

/** Longest time a command may get, s. Longer would outlive the daemon's patience with a whole apply. */
const MAX_COMMAND_TIMEOUT_S = 3600;

export const renderFileSchema = s.struct({
  templates: s.withDefault(
    s.map(s.located(s.path('relative')), {
      keyPattern: /^[A-Za-z0-9_.]+$/,
      keyHint: 'letters, digits, _ and .',
    }),
    {},
  ),
  commands: s.withDefault(s.list(command), []),
  'command-timeout': s.optional(s.int({ min: 1, max: MAX_COMMAND_TIMEOUT_S })),
});

export type RenderFile = Infer<typeof renderFileSchema>;
export type PlainCommand = Infer<typeof plainCommand>;
export type Command = Infer<typeof command>;
