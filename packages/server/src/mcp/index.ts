export { type StdioOptions, serveMcpOverStdio } from './serve-stdio.ts';
