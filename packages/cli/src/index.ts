export type { ExitCode } from './cli-error.ts';
export type { ControlPlane, ServeOptions, StartServer } from './control-plane.ts';
export type { Io } from './io.ts';
export { runCli } from './run-cli.ts';
