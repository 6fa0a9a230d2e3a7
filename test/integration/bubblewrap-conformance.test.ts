import { describeSandboxConformance } from '../../src/sandbox/conformance.suite.js';
import { bubblewrapProvider, describeWithBubblewrap } from '../support/bubblewrap.js';

describeWithBubblewrap('where bubblewrap works', () => {
  describeSandboxConformance('the bubblewrap provider', () => bubblewrapProvider({ poolSize: 1 }));
});
