/** Bytes of what a leader sends to its followers: of the last proposal, the smallest and the largest. -1 before there was one, as ZooKeeper says it. */
export class ProposalSizes {
	last = -1;
	min = -1;
	max = -1;

	add(bytes: number): void {
		this.last = bytes;
		this.min = this.min === -1 ? bytes : Math.min(this.min, bytes);
		this.max = Math.max(this.max, bytes);
	}

	reset(): void {
		this.last = -1;
		this.min = -1;
		this.max = -1;
	}
}
