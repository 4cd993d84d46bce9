import type { CallToolResult, McpServer, ToolAnnotations } from '@modelcontextprotocol/server';
import { type ApiClient, type Identity, ProblemError } from '@rampart/api';
import type { z } from 'zod';
import { dataOf, nameOf, textOf } from './untrusted.ts';

/** What a tool works with. */
export type ToolDeps = {
  /** Client of the API with the token of whoever is served: a tool may do what this token may, and no more. */
  readonly client: ApiClient;
  /** Takes what a tool threw that is no refusal: the caller is only told that it happened. */
  readonly onDefect: (error: unknown) => void;
};

/** How a tool is declared. */
type Declaration<I extends z.ZodType, O extends z.ZodType<Readonly<Record<string, unknown>>>> = {
  readonly name: `rollout_${string}`;
  readonly title: string;
  /** What it does, when to use it, and which roles may. */
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: I;
  readonly output: O;
  /** @throws ProblemError */
  readonly run: (args: z.output<I>, deps: ToolDeps) => Promise<z.output<O>>;
};

/** A tool as the server registers it. */
export type Tool = {
  readonly name: string;
  readonly register: (server: McpServer, deps: ToolDeps) => void;
};

/** Hints of a tool that changes nothing. */
export const READS: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** Hints of a tool that adds to a rollout and takes nothing from anyone. */
export const ADDS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};

/** Makes a tool of its declaration. */
export function defineTool<I extends z.ZodType, O extends z.ZodType<Readonly<Record<string, unknown>>>>(
  declared: Declaration<I, O>,
): Tool {
  const { name, title, description, annotations, input, output, run } = declared;
  return {
    name,
    register: (server, deps) =>
      void server.registerTool(
        name,
        {
          title,
          description,
          annotations,
          inputSchema: input as z.ZodType<z.output<I>>,
          outputSchema: output as z.ZodType,
        },
        (args) => answered(() => run(args, deps), deps),
      ),
  };
}

async function answered(
  run: () => Promise<Readonly<Record<string, unknown>>>,
  { onDefect }: ToolDeps,
): Promise<CallToolResult> {
  try {
    const content = await run();
    return { content: [{ type: 'text', text: textOf(content) }], structuredContent: content };
  } catch (error) {
    if (error instanceof ProblemError) return refusal(error);
    onDefect(error);
    return refusal(new ProblemError('INTERNAL', 'The tool failed in a way that was not foreseen.'));
  }
}

/** What to do, where the words for the API would send a caller of tools elsewhere. */
const REMEDIES: Readonly<Record<string, string>> = {
  VERSION_CONFLICT: 'Read it again with rollout_status, decide again, and give its version as expected_version.',
  ROLLOUT_UNKNOWN: 'Give the id of a rollout, not its flag; rollout_list lists them.',
};

/** A refusal as an answer that says its code, what was received and what to do. */
function refusal({ problem }: ProblemError): CallToolResult {
  const { code, title, detail, remedy, issues, errors, version } = problem;
  const error = {
    ...{ code, title, received: dataOf(detail), remedy: REMEDIES[code] ?? remedy },
    ...(version !== undefined && { version }),
    ...(issues && {
      issues: issues.map(({ message, path, ...place }) => ({ ...place, path: nameOf(path), message: dataOf(message) })),
    }),
    ...(errors && { errors: errors.map(({ path, message }) => ({ path: nameOf(path), message: dataOf(message) })) }),
  };
  return { isError: true, content: [{ type: 'text', text: textOf({ error }) }], structuredContent: { error } };
}

/** Who calls, for tools that tell what the caller may do. */
export async function callerOf({ client }: ToolDeps): Promise<Identity> {
  return client.whoAmI();
}
