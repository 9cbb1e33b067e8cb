// `_verify`: is a built container still what it was?

import { readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { verifyImage } from '../../adapters/storage/image-index.ts';
import type { Comparison } from '../../core/storage/image-index.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

function section(title: string, paths: readonly string[]): string {
  return paths.length === 0
    ? ''
    : `${title}:\n${paths.map(path => `\t${Buffer.from(path, 'latin1')}\n`).join('')}`;
}

function report({ missing, extra, corrupted }: Comparison): number {
  if (missing.length + extra.length + corrupted.length === 0) {
    process.stdout.write('Ok\n');
    return 0;
  }
  const lists = [
    section('Missing paths', missing),
    section('Extra paths', extra),
    section('Corrupted paths', corrupted),
  ];
  process.stdout.write(`Container is corrupted\n${lists.join('')}`);
  return 1;
}

function currentImage({ layout }: Session, name: string): string | undefined {
  try {
    return dirname(join(layout.base, readlinkSync(layout.link(name))));
  } catch {
    return undefined;
  }
}

export const verify = entry(
  {
    name: 'vagga _verify',
    description: 'Compare a container with the index made when it was built',
    options: [],
    positionals: [{ name: 'name', takes: 'required', completes: 'containers', help: 'The container' }],
  },
  (session, { words: [name = ''] }) => {
    if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const image = currentImage(session, name);
    if (image === undefined) return say(124, `Container "${name}" was never built`);
    process.stdout.write(`Checking container: ${JSON.stringify(image)}\n`);
    const compared = verifyImage(image);
    if (compared !== undefined) return report(compared);
    return say(
      124,
      `There is no index of it: vagga _hardlink makes one, the setting index-all-images with each build`,
    );
  },
);
