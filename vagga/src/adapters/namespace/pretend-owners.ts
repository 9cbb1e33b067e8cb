// With one id only nobody else can own a file. Package managers take that for a failure, so in a build (and in all that it
// starts) changes of owner, and of the own ids, succeed without doing anything. A seccomp filter, seccomp(2) and bpf(4).
import { addressOf, checked, libc } from '@suite/shared/linux/native.ts';

const syscall = libc('long syscall(long number, long operation, ulong flags, void *program)');

interface Machine {
  /** AUDIT_ARCH_… of uapi/linux/audit.h. */
  readonly architecture: number;
  readonly seccomp: number;
  /** chown and its kin, then setuid and its kin. */
  readonly pretended: readonly number[];
}

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    architecture: 0xc000003e,
    seccomp: 317,
    pretended: [92, 93, 94, 260, 105, 106, 113, 114, 116, 117, 119, 122, 123],
  },
  arm64: {
    architecture: 0xc00000b7,
    seccomp: 277,
    pretended: [54, 55, 143, 144, 145, 146, 147, 149, 151, 152, 159],
  },
};

const SET_MODE_FILTER = 1;
/** All threads of this process: Node changes owners in some of them, too. */
const TSYNC = 1;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
/** With errno 0: the call returns 0. */
const SUCCEED = 0x00050000;
/** Of struct seccomp_data. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const INSTRUCTION_BYTES = 8;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

function program({ architecture, pretended }: Machine): Instruction[] {
  const count = pretended.length;
  return [
    [LOAD_WORD, 0, 0, ARCHITECTURE_AT],
    [JUMP_IF_EQUAL, 0, count + 1, architecture],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    ...pretended.map((number, index): Instruction => [JUMP_IF_EQUAL, count - index, 0, number]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, SUCCEED],
  ];
}

function bytesOf(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  for (const [index, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value, at + 4);
  }
  return bytes;
}

/** For the rest of this process and all it starts. On other machines nothing: there owners are an error as before. */
export function pretendOwners(): void {
  const machine = MACHINES[process.arch];
  if (machine === undefined) return;
  const instructions = program(machine);
  const filter = bytesOf(instructions);
  // struct sock_fprog: length, padding, pointer.
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(instructions.length, 0);
  fprog.writeBigUInt64LE(addressOf(filter), 8);
  checked('seccomp', Number(syscall(machine.seccomp, SET_MODE_FILTER, TSYNC, fprog)));
}
