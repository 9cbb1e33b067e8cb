// Are we the vagga that a capsule command calls?

/** Set for everything that runs in a capsule. */
export const IN_CAPSULE = '_VAGGA_IN_CAPSULE';

export function isInCapsule(): boolean {
  return process.env[IN_CAPSULE] !== undefined;
}
