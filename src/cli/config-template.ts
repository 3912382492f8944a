/** The `chartroom.yaml` that `init` writes: the grants, and every other setting as a comment with its default. */
export const CONFIG_TEMPLATE = `# Chartroom's configuration. Every setting is also an environment variable: tls.certificate is
# CHARTROOM_TLS_CERTIFICATE. "chartroom config check" shows what is in force, "chartroom policy check" who may do what.
# Editors complete it after "chartroom config schema > chartroom.schema.json", with this as the first line:
#   "# yaml-language-server: $schema=chartroom.schema.json"

# Who may do what. Nothing is allowed that no grant allows.
#   who           anchor, cn, o, ou, uri, email, dns, fingerprint: all that are given must match, exactly
#                 or, written as { glob: 'ci-*' }, as a pattern; or { group: NAME }, one of "groups" below
#   may           read, publish, overwrite, delete, create, admin
#   deny          instead of may: takes these actions back, whatever any grant says
#   repositories  all, or a list: team-a/stable, { glob: 'team-a/**' }; / is the root repository
#   charts        a list of names or patterns; every chart when absent
access:
  - who: { anchor: built-in, ou: administrators }
    may: [read, publish, overwrite, delete, create, admin]
    repositories: all
  - who: { anchor: built-in, ou: publishers }
    may: [read, publish]
    repositories: all
  - who: { anchor: built-in }
    may: [read]
    repositories: all

# groups:                       # sets of identities for "who: { group: team-a }"
#   team-a: [{ cn: ci-a }, { ou: { glob: 'a-*' } }]

# listen: 0.0.0.0:8443          # mTLS
# proxyProtocol:
#   from: [10.0.0.5]            # proxies whose PROXY header (v1 or v2) tells the client's address
# ops: 127.0.0.1:8081           # /livez, /readyz and /metrics over plain HTTP, or off
# url: https://localhost:8443   # what clients use
# contextPath: /charts          # the path that everything is served under
# workers: 1                    # processes that serve on the same port, or auto: one for each core
# storage: storage
# certs: certs

# tls:
#   certificate: certs/server.crt
#   key: certs/server.key
#   clientCAs:                  # the trust anchors; grants name them
#     - { name: built-in, file: certs/ca.crt }

# ca:
#   passphraseFile:             # or CHARTROOM_CA_PASSPHRASE, where ca.key is encrypted

# signing:
#   key: certs/provenance.key.asc
#   passphraseFile:             # or CHARTROOM_SIGNING_PASSPHRASE; the key itself may be CHARTROOM_SIGNING_KEY_DATA
#   keyring: certs/provenance.gpg

# provenance:
#   trustedKeyring:             # public keys of publishers, whose provenance files are then checked
#   unknownSigner: countersign  # or refuse
#   required: false             # or true: no chart without a provenance file

# uploads: { maxBytes: 20MiB, chartField: chart, provField: prov }
# cache: { bytes: 128MiB, largest: 16MiB }   # of archives asked for lately, in each process
# limits: { connections: 4096, requests: 512, rate: 3000, rateWindow: 10s, publishes: 32 }  # and docs/operating.md
# overwrite: never              # or forced (with ?force), always; needs the grant as well
# tombstones: keep              # or release: the name of a deleted version is free again for other content
# readOnly: false               # or true: nothing is published or deleted
# quota: { versions: 10000, bytes: 50GiB }  # of each repository; beyond it a publish is answered with 507
# repositories:                 # made at start; settings of their own, the others as above
#   - { name: team-a/stable, overwrite: forced, provenance: { required: true, trustedKeyring: team-a.gpg } }
#   - { name: team-b, signing: { key: team-b.key.asc, keyring: team-b.gpg } }  # with a signing key of its own
#   - { name: { glob: 'sandbox/**' }, overwrite: always, tombstones: release, quota: { versions: 500 } }
#   - { name: old, readOnly: true }
#   - name: mirror/argo           # charts of others, fetched once and checked; see docs/mirroring.md
#     mirror:
#       mode: both                # or pull-through: when somebody asks; sync: by schedule only
#       schedule: '0 3 * * *'
#       quarantine: 7d            # new versions are held back; or approve: true
#       upstreams:
#         - name: argo
#           url: https://argoproj.github.io/argo-helm
#           hosts: [github.com, release-assets.githubusercontent.com]
#           include: [{ chart: argo-cd, versions: '>=5.0.0' }]
#   - { name: all, virtual: [team-a/stable, team-b] }  # the charts of several; see docs/virtual-repositories.md
#   - { name: team-a/staging, retention: { keepVersions: 20, keepFor: 90d } }  # for "chartroom retain --apply"
# webhooks:                     # told of publishes and deletions, signed and retried; see docs/webhooks.md
#   - { url: 'https://ci.example.org/charts', secretFile: webhook.secret, repositories: [team-a/stable], timeout: 10s }
# audit: { keep: 400d, reads: off, readsKeep: 7d }  # reads: on, also who pulled what
# log: { level: info }
# shutdown: { drain: 25s }
`
