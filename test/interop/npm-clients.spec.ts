/** The clients that programs in JavaScript have: one that is all JavaScript, and one around the C library. */
import { describeNpmClient } from '#test/support/npm-clients';

describeNpmClient('node-zookeeper-client', 'node-zookeeper-client.mjs');
describeNpmClient('zookeeper', 'zookeeper.mjs');
