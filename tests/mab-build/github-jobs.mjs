// SPDX-License-Identifier: MIT
//
// github-jobs.mjs MODULES FILE CONTEXTS
//
// The jobs of a workflow as JSON, one for each entry of a matrix, as GitHub's own parser
// reads them, expressions replaced by GitHub's own evaluator; MODULES has both. CONTEXTS
// is a file with what expressions can name. Ends with 1 and the errors when it has any.

import { readFileSync } from "node:fs";

const [modules, file, contextsFile] = process.argv.slice(2);
const { convertWorkflowTemplate, isBasicExpression, isMapping, isSequence,
	NoOperationTraceWriter, parseWorkflow } =
	await import(`${modules}/@actions/workflow-parser/dist/index.js`);
const { data, Evaluator, Lexer, Parser } =
	await import(`${modules}/@actions/expressions/dist/index.js`);

function evaluate(expression, contexts)
{
	const { tokens } = new Lexer(expression).lex();
	const tree = new Parser(tokens, Object.keys(contexts), []).parse();
	const values = JSON.parse(JSON.stringify(contexts), data.reviver);

	return new Evaluator(tree, values).evaluate().coerceString();
}

function evaluateAll(token, contexts)
{
	if (isBasicExpression(token))
		return evaluate(token.expression, contexts);
	if (isSequence(token))
		return [...token].map(item => evaluateAll(item, contexts));
	if (isMapping(token))
		return Object.fromEntries([...token].map(
			({ key, value }) => [key.toString(), evaluateAll(value, contexts)]));
	return token.value;
}

function jobsOf(job, contexts)
{
	const matrix = job.find("strategy")?.find("matrix").find("include");
	const entries = matrix ? evaluateAll(matrix, contexts) : [null];

	return entries.map(entry => evaluateAll(job, { ...contexts, matrix: entry }));
}

const content = readFileSync(file, "utf8");
const contexts = JSON.parse(readFileSync(contextsFile, "utf8"));
const { context, value } = parseWorkflow({ name: file, content }, new NoOperationTraceWriter());

if (value)
	await convertWorkflowTemplate(context, value);

const errors = context.errors.getErrors();

if (errors.length) {
	console.log(errors.map(error => error.message).join("\n"));
	process.exit(1);
}
console.log(JSON.stringify(
	[...value.find("jobs")].flatMap(({ value: job }) => jobsOf(job, contexts)), null, 1));
