// Names of keys: `work-dir` in files, `workDir` in values, `work_dir` for other programs.

export const camel = (key: string): string =>
  key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

export const snake = (key: string): string => key.replaceAll('-', '_');
