import { READ_TOOLS } from './read-tools.ts';
import { RECORD_TOOLS } from './record-tools.ts';
import type { Tool } from './tool.ts';
import { WRITE_TOOLS } from './write-tools.ts';

/** Every tool, in the order clients list them. At most 16: more make an agent choose worse. */
export const TOOLS: readonly Tool[] = [...READ_TOOLS, ...WRITE_TOOLS, ...RECORD_TOOLS];
