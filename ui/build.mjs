// Builds both pages into dist/cantal and dist/verwalter, where the daemons look for them.
import { build } from 'vite';

for (const page of ['cantal', 'verwalter']) {
  process.env.PAGE = page;
  await build({ configFile: 'vite.config.ts', logLevel: 'warn' });
}
