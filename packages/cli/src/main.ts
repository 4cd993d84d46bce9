import { processIo } from './process-io.ts';
import { runCli } from './run-cli.ts';

// A reader that stops early (`rampart list | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
