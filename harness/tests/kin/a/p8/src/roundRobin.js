module.exports = class RoundRobin {
  constructor(list) {
    this.list = list;
    this.i = -1;
  }

  next() {
    this.i = (this.i + 1) % this.list.length;
    return this.list[this.i];
  }
};
