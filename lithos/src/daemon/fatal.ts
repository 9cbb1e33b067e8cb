/** Something without which the tree cannot work; the message is for the operator. */
export class Fatal extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A sibling program is missing: the shell's own code for it. */
export const EXIT_MISSING_PROGRAM = 127;
