#!/usr/bin/env -S node --no-rehash-snapshot --
// The flag: see FIXED_SEED in launch.cjs. Only these two can be answered without starting anything; see src/cli/vagga.ts.
const isShort = process.argv.length === 2 || process.argv[2] === '_build';
require('../../shared/bin/launch.cjs').launch(__dirname, isShort ? 'vagga' : 'vagga-run');
