const test = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');

test('the page greets', () => {
  assert.equal(execFileSync(process.execPath, ['dist/page.js'], { encoding: 'utf8' }), 'Hello, reader!\n');
});
