const only = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: '^src', pathNot: from },
  to: { path: to },
})

/** The arrows of docs/architecture.md, as rules. @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^src/(chart|policy|repoindex)/' },
      to: { path: '^src/(?!chart/|policy/|repoindex/|errors\\.ts|text\\.ts)' },
    },
    {
      name: 'domain-does-no-io',
      severity: 'error',
      from: { path: '^src/(chart|policy|repoindex)/' },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|net|tls|http|https|http2|dns|dgram|child_process|worker_threads|process)(/|$)',
      },
    },
    {
      name: 'use-cases-know-ports-only',
      severity: 'error',
      from: { path: '^src/repository/' },
      to: {
        path: '^src/(http|cli|mirror|config|pki|app/)|^src/(blobs/disk|blobs/s3|catalog/sqlite|catalog/postgres)',
      },
    },
    {
      name: 'adapters-know-no-use-cases',
      severity: 'error',
      from: { path: '^src/(catalog|blobs|provenance|pki)/' },
      to: { path: '^src/(http|cli|mirror|config|repository|app/)' },
    },
    {
      name: 'publishing-is-a-client',
      severity: 'error',
      from: { path: '^src/publishing/' },
      to: {
        path: '^src/',
        pathNot: '^src/(publishing|chart|provenance|pki)/|^src/(config/env|errors|text)\\.ts',
      },
    },
    {
      name: 'webhooks-know-the-outbox-only',
      severity: 'error',
      from: { path: '^src/webhooks/' },
      to: {
        path: '^src/',
        pathNot: '^src/(webhooks|chart|policy)/|^src/(catalog/outbox|ops/metrics|errors|text)\\.ts',
      },
    },
    {
      name: 'mirror-fetches-and-reads',
      severity: 'error',
      from: { path: '^src/mirror/' },
      to: {
        path: '^src/(http|cli|config|pki|app/)|^src/(blobs/disk|catalog/sqlite)',
      },
    },
    {
      name: 'facades-meet-in-repository',
      severity: 'error',
      from: { path: '^src/http/(helm|oci|chartmuseum|ui|admin)/' },
      to: { path: '^src/http/(helm|oci|chartmuseum|ui|admin)/', pathNot: '^src/http/$1/' },
    },
    {
      name: 'src-never-imports-test',
      severity: 'error',
      from: { path: '^src' },
      to: { path: '^(test|scripts|bench)' },
    },
    {
      name: 'only-its-tests-import-bench',
      severity: 'error',
      from: { path: '^(src|test|scripts)/', pathNot: '^test/(unit|integration)/bench' },
      to: { path: '^bench/' },
    },
    only(
      'express-stays-in-http',
      '^src/http/',
      'node_modules/(@types/)?(express|express-rate-limit|multer|helmet|path-to-regexp)(/|$)',
    ),
    only('openpgp-stays-in-provenance', '^src/provenance/', 'node_modules/openpgp(/|$)'),
    only('tar-stays-in-chart-archive', '^src/(chart|transfer)/', 'node_modules/tar-stream(/|$)'),
    only(
      'x509-stays-in-pki',
      '^src/pki/',
      'node_modules/(@peculiar/x509|pkijs|asn1js|reflect-metadata)(/|$)',
    ),
    only('sql-drivers-stay-in-catalog', '^src/catalog/', 'node_modules/(better-sqlite3|pg)(/|$)'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
}
