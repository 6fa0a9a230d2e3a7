/**
 * Which part may know which: gateway | api | cli -> services -> agent core -> ports <- adapters.
 * docs/architecture.md draws it; here it is checked.
 */
const services = '^src/(sessions|runs|events|files|approvals|auth|workspaces|database|tools|observability)/';
const surfaces = '^src/(gateway|api|cli)/';

/** @type {import('dependency-cruiser').IConfiguration} */
const configuration = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Two files that need each other at run time are one idea in two places.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'agent-knows-no-framework',
      comment: 'The loop runs in a test without Nest, a database or Docker.',
      severity: 'error',
      from: { path: '^src/agent/', pathNot: '\\.test\\.ts$' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg|pg-boss|dockerode|express|ws|node-llama-cpp)/' },
    },
    {
      name: 'agent-knows-ports-only',
      comment: 'Ports and plain data from other folders; never a service, an entity or an adapter.',
      severity: 'error',
      from: { path: '^src/agent/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.(service|repository|entity|controller|module)\\.ts$|^src/(engine|sandbox)/[^/]+/' },
    },
    {
      name: 'services-know-no-surface',
      comment: 'A service serves HTTP, WebSocket and the command line alike.',
      severity: 'error',
      from: { path: services, pathNot: '\\.(controller|module)\\.ts$|\\.test\\.ts$' },
      to: { path: surfaces },
    },
    {
      name: 'client-knows-frames-only',
      comment: 'The client is published by itself: schemas and plain data, nothing of the server.',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '\\.(service|repository|entity|controller|module|gateway)\\.ts$|^src/(engine|sandbox|agent|database|config)/',
      },
    },
    {
      name: 'client-needs-no-server-package',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '\\.test\\.ts$' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg|pg-boss|dockerode|express)/' },
    },
    {
      name: 'ports-know-no-adapter',
      comment: 'engine.ts, sandbox.ts and tool.ts say what is needed, not who does it.',
      severity: 'error',
      from: { path: '^src/(engine/engine|engine/engine-error|sandbox/sandbox|tools/tool)\\.ts$' },
      to: { path: '^src/(engine|sandbox|tools)/[^/]+/' },
    },
    {
      name: 'adapters-know-no-service',
      comment: 'An engine or a sandbox is driven; it never reaches back.',
      severity: 'error',
      from: { path: '^src/(engine|sandbox)/', pathNot: '\\.(module)\\.ts$|\\.test\\.ts$' },
      to: { path: '\\.(service|repository|entity|controller)\\.ts$|^src/(gateway|api|cli|runs|sessions)/' },
    },
    {
      name: 'source-knows-no-test',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/|\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};

export default configuration;
