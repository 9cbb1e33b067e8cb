// The device number of stat(2) taken apart, as the kernel puts it together (kdev_t.h, new_encode_dev): the minor's low
// 8 bits, 12 bits of the major, the minor's other 12 bits. Above 31 bits, so without bit operators.
const BITS_8 = 0x100;
const BITS_12 = 0x1000;
const BITS_20 = 0x100000;

export function devMajor(dev: number): number {
  return Math.floor(dev / BITS_8) % BITS_12;
}

/** Of a major below 12 bits and a minor below 20. */
export function deviceNumber(major: number, minor: number): number {
  return (minor % BITS_8) + major * BITS_8 + Math.floor(minor / BITS_8) * BITS_20;
}

export function devMinor(dev: number): number {
  return (dev % BITS_8) + Math.floor(dev / BITS_20) * BITS_8;
}
