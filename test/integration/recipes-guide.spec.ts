/** docs/recipes.md: each of its programs is one that compiles, runs, and prints what it says. */
import * as client from '#client/index';
import { testGuide } from '#test/support/guide-spec';

testGuide({ name: 'recipes.md', modules: { '@chronokeeper/client': client }, settings: { tickTime: 500 } });
