#!/usr/bin/env node
require('../../shared/bin/launch.cjs').launch(__dirname, 'lithos_logs');
