// Which directory of the storage belongs to a project.

/** Characters that a directory name must not have become dashes. */
export const sanitised = (text: string): string => text.replace(/[^a-zA-Z0-9_-]/g, '-');

/** More projects of one name than this are a mistake. */
const SUFFIX_MAX = 100;

/** Names to try for a project, in this order. */
export function candidateNames(project: string): string[] {
  return [project, ...Array.from({ length: SUFFIX_MAX }, (_, index) => `${project}-${index + 1}`)];
}
