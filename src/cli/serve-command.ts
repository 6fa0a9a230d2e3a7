import { Command } from 'commander';

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server; npm start does that too, and sets up what is missing first')
    .action(async () => {
      // The server's own program; loaded only here, since it is large.
      await import('../main.js');
    });
}
