import { join } from 'node:path';

declare const require: (path: string) => {
  launch(binDir: string, name: string): void;
  usualFlags(): void;
};
declare const __dirname: string;

const launcher = () => require(join(__dirname, '../../shared/bin/launch.cjs'));
const bin = () => join(__dirname, '..', 'bin');

/** Goes on with the bundle that starts commands. */
export function launchRun(): void {
  launcher().launch(bin(), 'vagga-run');
}

/** Goes on with the bundle that can do everything, and needs much of Node for it. */
export function launchFull(): void {
  const { launch, usualFlags } = launcher();
  usualFlags();
  launch(bin(), 'vagga-full');
}
