/** A map that tells of its changes: a value that was set, or undefined for one that was deleted. */
export class Table<Value> extends Map<string, Value> {
  onChange: ((id: string, value: Value | undefined) => void) | undefined;

  override set(id: string, value: Value): this {
    super.set(id, value);
    this.onChange?.(id, value);
    return this;
  }

  override delete(id: string): boolean {
    const existed = super.delete(id);
    if (existed) this.onChange?.(id, undefined);
    return existed;
  }
}
