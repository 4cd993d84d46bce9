import type { Paint } from '../session.ts';

/** Where the demo shows how it goes. */
export type ScreenOptions = {
  readonly write: (text: string) => void;
  /** Redraws in place: only for a terminal. */
  readonly isLive: boolean;
  readonly width: () => number;
  readonly paint: Paint;
};

/** Lines that stay, and on a terminal a board below them that is redrawn. */
export class Screen {
  readonly #options: ScreenOptions;
  #drawnLines = 0;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  get isLive(): boolean {
    return this.#options.isLive;
  }

  /** Width to lay lines out for, in characters. */
  width(): number {
    return this.#options.width();
  }

  /** Writes lines that stay. The board is gone until it is drawn again. */
  log(text: string): void {
    this.clear();
    this.#options.write(`${text}\n`);
  }

  /** Draws the board in place of the one before. No line of it may be wider than the terminal. */
  draw(board: (options: ScreenOptions) => string): void {
    if (!this.isLive) return;
    const text = board(this.#options);
    this.clear();
    this.#options.write(`${text}\n`);
    this.#drawnLines = text.split('\n').length;
  }

  /** Takes the board away. */
  clear(): void {
    // Cursor up, then clear to the end of the screen (ECMA-48 CUU, ED).
    if (this.#drawnLines > 0) this.#options.write(`\u001B[${this.#drawnLines}A\u001B[0J`);
    this.#drawnLines = 0;
  }
}
