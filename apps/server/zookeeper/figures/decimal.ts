/** A number that has a fraction in Java and shows one when it is whole: `0.0`, `1.25`. In JSON it is a number like any other. */
export class Decimal {
	constructor(readonly value: number) {}

	toString(): string {
		return Number.isInteger(this.value) ? `${this.value}.0` : String(this.value);
	}

	toJSON(): number {
		return this.value;
	}
}
