// Work on the files of one instance is done one after the other: its next run must not meet the removal of the last.

export class WorkQueues {
  private readonly tails = new Map<string, Promise<void>>();
  private readonly onError: (name: string, error: Error) => void;

  constructor(onError: (name: string, error: Error) => void) {
    this.onError = onError;
  }

  /** Runs after everything added under this name before; a failure is told and does not stop what follows. */
  add(name: string, work: () => Promise<void>): void {
    const before = this.tails.get(name) ?? Promise.resolve();
    const after = before.then(work).catch((error: Error) => this.onError(name, error));
    this.tails.set(name, after);
    void after.then(() => {
      if (this.tails.get(name) === after) this.tails.delete(name);
    });
  }

  /** Resolves when everything added until now is done. */
  async idle(): Promise<void> {
    await Promise.all(this.tails.values());
  }
}
