import { libc } from './native.ts';

const mallocTrim = libc('int malloc_trim(size_t pad)');

/** Gives unused pages of malloc back to the kernel, which it does by itself at the end of its heap only. */
export function trimHeap(): void {
  mallocTrim(0);
}
