/** Below `/work`: in the project, not in the image. */
export const isProjectPath = (path: string): boolean => path === '/work' || path.startsWith('/work/');
