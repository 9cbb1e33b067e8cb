import { resolve } from 'node:path';
import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// One page per daemon: PAGE=cantal or PAGE=verwalter. Relative addresses, so that a daemon may serve it below any path.
const page = process.env.PAGE ?? 'cantal';

export default defineConfig({
  root: resolve(import.meta.dirname, 'src', page),
  base: './',
  plugins: [preact()],
  build: {
    outDir: resolve(import.meta.dirname, 'dist', page),
    emptyOutDir: true,
    target: 'es2022',
    reportCompressedSize: false,
  },
});
