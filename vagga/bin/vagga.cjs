#!/usr/bin/env -S node --
require('../../shared/bin/launch.cjs').launch(__dirname, 'vagga');
