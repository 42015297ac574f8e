/** About how much of a stream of nodes goes into one message: most gRPC libraries refuse those of more than 4 MiB unless they are told otherwise. */
export const messageBytes = 1 << 20;
/** Of a node beside its path and its data: Stat and ACL, about. */
export const nodeOverheadBytes = 200;
