// Before a test file on an emulated machine: the limits that it sets itself (`t.setTimeout`) are those of a real one.
const { Base } = require('@tapjs/core');
const { setTimeout } = Base.prototype;

Base.prototype.setTimeout = function (limitMs) {
  return setTimeout.call(this, 20 * limitMs);
};
