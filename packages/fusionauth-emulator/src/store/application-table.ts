import { Table } from './table.ts';
import type { Application } from './types.ts';

/** The applications by id, found by name as well: each creation asks whether its name is taken, and there may be thousands. */
export class ApplicationTable extends Table<Application> {
  readonly #idsByName = new Map<string, string>();

  /** The id of the application with that name; names are compared without regard to case. */
  idOfName(name: string): string | undefined {
    return this.#idsByName.get(name.toLowerCase());
  }

  override set(id: string, application: Application): this {
    this.#forget(id);
    this.#idsByName.set(application.name.toLowerCase(), id);
    return super.set(id, application);
  }

  override delete(id: string): boolean {
    this.#forget(id);
    return super.delete(id);
  }

  override clear(): void {
    this.#idsByName.clear();
    super.clear();
  }

  #forget(id: string): void {
    const name = this.get(id)?.name.toLowerCase();
    if (name !== undefined && this.#idsByName.get(name) === id) this.#idsByName.delete(name);
  }
}
