// Run in a uts namespace of its own: sets the host name and says what the kernel has now.
import { hostname } from 'node:os';
import { sethostname } from '../../src/linux/mount.ts';

sethostname(process.argv[2] ?? '');
process.stdout.write(hostname());
