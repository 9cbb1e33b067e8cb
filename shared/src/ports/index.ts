export type { Clock, Timer } from './clock.ts';
export { type Disk, FileTooLarge, type WriteOptions } from './disk.ts';
export type { Endpoint, Net, UdpSocket } from './net.ts';
export type { Proc, RunOptions, RunResult } from './proc.ts';
export type { Random } from './random.ts';
