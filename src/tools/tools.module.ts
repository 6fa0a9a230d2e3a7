import { setTimeout as delay } from 'node:timers/promises';
import { Global, Module } from '@nestjs/common';
import { IsolatePool } from '../sandbox/isolate/isolate-pool.js';
import { SANDBOX_PROVIDER, type SandboxProvider } from '../sandbox/sandbox.js';
import { createListFilesTool } from './files/list-files.tool.js';
import { createReadFileTool } from './files/read-file.tool.js';
import { createWriteFileTool } from './files/write-file.tool.js';
import { createJavascriptTool } from './javascript/javascript.tool.js';
import { createPythonTool } from './python/python.tool.js';
import { createTerminalTool } from './terminal/terminal.tool.js';
import { BUILT_IN_TOOLS } from './tool.js';
import { ToolRegistry } from './tool-registry.js';

const SANDBOX_PATIENCE_MS = 15_000;

/**
 * Until the first probe is over no sandbox counts as available, and a run that was claimed right after a
 * restart would not be offered its tools. An engine that does not answer at all holds up no start.
 */
async function settled(sandboxes: SandboxProvider): Promise<void> {
  await Promise.race([sandboxes.ready(), delay(SANDBOX_PATIENCE_MS, undefined, { ref: false })]);
}

/** The server's own tools, in the order models see them. */
@Global()
@Module({
  providers: [
    {
      provide: BUILT_IN_TOOLS,
      inject: [SANDBOX_PROVIDER, IsolatePool],
      useFactory: async (sandboxes: SandboxProvider, isolates: IsolatePool) => {
        await settled(sandboxes);
        return [
          createPythonTool(sandboxes),
          createJavascriptTool(isolates),
          createTerminalTool(sandboxes),
          createReadFileTool(),
          createWriteFileTool(),
          createListFilesTool(),
        ];
      },
    },
    ToolRegistry,
  ],
  exports: [ToolRegistry],
})
export class ToolsModule {}
