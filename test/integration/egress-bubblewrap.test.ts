import { bubblewrapProvider, describeWithBubblewrap } from '../support/bubblewrap.js';
import { describeEgress } from './egress-suite.js';

describeWithBubblewrap('where bubblewrap works', () => {
  describeEgress(
    'the network of a session in namespaces',
    (egress) => bubblewrapProvider({ poolSize: 1, egress }),
    () => Promise.resolve(),
  );
});
