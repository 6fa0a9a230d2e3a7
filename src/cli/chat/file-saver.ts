import type { FilesApi } from '../../client/files-api.js';
import { messageOf } from '../../errors.js';
import type { FileObject } from '../../events/event.js';
import { saveFile } from '../save-file.js';
import type { Style } from '../style.js';
import { plainLine } from '../terminal-text.js';
import type { Screen } from './screen.js';

/** Fetches the files of a session one after the other and says where they are. */
export class FileSaver {
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: Pick<FilesApi, 'content'>,
    private readonly folder: string,
    private readonly screen: Screen,
    private readonly style: Style,
  ) {}

  save(file: FileObject): void {
    const name = plainLine(file.name);
    if (file.code !== undefined) {
      this.screen.line(this.style.warning(`[file ${name}: ${plainLine(file.message ?? file.code)}]`));
      return;
    }
    this.work = this.work
      .then(() => saveFile(this.files, file, this.folder))
      .then(
        (path) => this.screen.line(`[file ${name}, ${file.bytes} bytes: ${path}]`),
        (error: unknown) =>
          this.screen.line(this.style.failure(`[file ${name}: ${plainLine(messageOf(error))}]`)),
      );
  }

  /** Resolves when nothing is left to fetch. */
  saved(): Promise<void> {
    return this.work;
  }
}
