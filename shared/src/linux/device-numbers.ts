// The 64-bit device number of stat(2), taken apart as in glibc's sys/sysmacros.h. As numbers, because Node gives one.
const BITS_8 = 0x100;
const BITS_12 = 0x1000;
const BITS_20 = 0x100000;
const BITS_32 = 0x100000000;

/** Bits 8–19, and above them bits 32–63. */
export function devMajor(dev: number): number {
  return (Math.floor(dev / BITS_8) % BITS_12) + Math.floor(dev / BITS_32) * BITS_12;
}

/** Bits 0–7, and above them bits 20–31. */
export function devMinor(dev: number): number {
  return (dev % BITS_8) + Math.floor((dev % BITS_32) / BITS_20) * BITS_8;
}
