/** What a schema library has to have to be used here, as https://standardschema.dev says it: zod, valibot, arktype and others do. Nothing of them is needed. */
export interface StandardSchema<Output> {
	readonly '~standard': {
		readonly version: 1;
		readonly vendor: string;
		readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
	};
}

export type StandardResult<Output> =
	| { readonly value: Output; readonly issues?: undefined }
	| { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
	readonly message: string;
	readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A function that returns the value as what it is, or throws; or a schema of a library. */
export type Schema<Output> = ((value: unknown) => Output | Promise<Output>) | StandardSchema<Output>;

/** The value is not what the schema says. */
export class InvalidValueError extends Error {
	/** What is wrong; the path in front of each where there is one. */
	readonly issues: readonly string[];

	constructor(issues: readonly string[], cause?: unknown) {
		super(issues.join('; '), { cause });
		this.name = 'InvalidValueError';
		this.issues = issues;
	}
}

/** @throws InvalidValueError */
export async function validated<Output>(schema: Schema<Output>, value: unknown): Promise<Output> {
	if (!('~standard' in schema)) {
		try {
			return await schema(value);
		} catch (error) {
			throw new InvalidValueError([error instanceof Error ? error.message : String(error)], error);
		}
	}
	const result = await schema['~standard'].validate(value);
	if (result.issues === undefined) return result.value;
	throw new InvalidValueError(result.issues.map(issueText));
}

function issueText({ message, path = [] }: StandardIssue): string {
	const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
	return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
