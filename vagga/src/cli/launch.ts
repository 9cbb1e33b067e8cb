import { join } from 'node:path';

declare const require: (path: string) => { launch(binDir: string, name: string): void };
declare const __dirname: string;

/** Goes on with another bundle of this package, by its name in package.json. */
export function launch(bundle: string): void {
  require(join(__dirname, '../../shared/bin/launch.cjs')).launch(join(__dirname, '..', 'bin'), bundle);
}
