/** Paths that can lie in one directory together: none is taken twice, none is a folder and a file. */
export class PathTree {
  private readonly files = new Set<string>();
  private readonly folders = new Set<string>();

  /** False when there is no place for it. `path` is normalised and `/`-separated. */
  add(path: string): boolean {
    const segments = path.split('/');
    const above = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
    if (this.files.has(path) || this.folders.has(path)) return false;
    if (above.some((folder) => this.files.has(folder))) return false;
    this.files.add(path);
    for (const folder of above) this.folders.add(folder);
    return true;
  }
}
