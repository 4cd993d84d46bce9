/** One case of a contract suite, for any test runner: `run` rejects when the adapter breaks the contract. */
export type ContractCase<Harness> = {
  /** A sentence about behaviour. */
  readonly name: string;
  readonly run: (harness: Harness) => Promise<void>;
};
