import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Reply, Seen } from '../packages/connectors/src/http-fake.test.support.ts';

type Operation = {
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly schema: object }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
};
type Body = { readonly content: { readonly 'application/json': { readonly schema: object } } };
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
};

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Says what in an exchange is not as an OpenAPI 3.1 document has it; nothing where all is. */
export type ExchangeCheck = (seen: Seen, reply: Reply) => readonly string[];

/** The check of a document in a JSON file. */
export function openApiCheck(file: URL): ExchangeCheck {
  const document: Document = JSON.parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    formats: { uuid: UUID, 'date-time': DATE_TIME, uri: (text: string) => URL.canParse(text) },
  });
  ajv.addSchema({ $id: 'doc', components: document.components });
  // To compile a schema takes longer than everything else in an exchange.
  const compiled = new Map<object, ValidateFunction>();
  const compile = (schema: object): ValidateFunction => {
    const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"doc#/components/')));
    compiled.set(schema, validate);
    return validate;
  };
  const problems = (schema: object, value: unknown): readonly string[] => {
    const validate = compiled.get(schema) ?? compile(schema);
    return validate(value) ? [] : [ajv.errorsText(validate.errors)];
  };
  const paths = Object.entries(document.paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }));
  return (seen, { status = 200, body = '' }) => {
    const found = paths.find(({ pattern }) => pattern.test(seen.url.pathname));
    const operation = found?.methods[seen.method.toLowerCase()];
    if (operation === undefined) return [`${seen.method} ${seen.url.pathname} is not in the document`];
    const asked = [...queryProblems(seen, operation, problems), ...bodyProblems(seen, operation, problems)];
    const answer = operation.responses[String(status)] ?? (status >= 400 ? operation.responses.default : undefined);
    const answered =
      answer === undefined
        ? [`the status ${status} is not in the document`]
        : problems(answer.content['application/json'].schema, body);
    // What is not in the document is answered with a failure: then only the answer is held to it.
    const all = status === 400 ? answered : [...asked, ...answered];
    return all.map((problem) => `${seen.method} ${seen.url.pathname}: ${problem}`);
  };
}

type Problems = (schema: object, value: unknown) => readonly string[];

function queryProblems({ url }: Seen, { parameters }: Operation, problems: Problems): readonly string[] {
  return [...url.searchParams].flatMap(([name, value]) => {
    const parameter = parameters.find((one) => one.in === 'query' && one.name === name);
    return parameter === undefined ? [`the query ${name} is not in the document`] : problems(parameter.schema, value);
  });
}

function bodyProblems({ body }: Seen, { requestBody }: Operation, problems: Problems): readonly string[] {
  if (requestBody === undefined) return body === '' ? [] : ['a body was sent where none is taken'];
  return problems(requestBody.content['application/json'].schema, JSON.parse(body));
}
