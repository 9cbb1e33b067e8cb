import { libc } from './native.ts';

/** Of the calling thread alone (setfsuid(2)); they answer the id before and never fail aloud. */
const setfsuid = libc('int setfsuid(uint uid)');
const setfsgid = libc('int setfsgid(uint gid)');

export interface Owner {
  readonly user: number;
  readonly group: number;
}

/** What `make` creates belongs to `owner`; `make` must not wait for anything, because other code would run as that user. */
export function createdBy<T>(owner: Owner, make: () => T): T {
  // The group first: as another user we may not change it any more.
  const group = setfsgid(owner.group);
  const user = setfsuid(owner.user);
  try {
    return make();
  } finally {
    setfsuid(user);
    setfsgid(group);
  }
}
