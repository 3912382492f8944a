/** The `chartroom.yaml` that `init` writes: the grants, and every other setting as a comment with its default. */
export const CONFIG_TEMPLATE = `# Chartroom's configuration. Every setting is also an environment variable: tls.certificate is
# CHARTROOM_TLS_CERTIFICATE. "chartroom config check" shows what is in force.

# Who may do what. Nothing is allowed that no grant allows.
#   who           anchor, cn, o, ou, uri, email, dns, fingerprint: all that are given must match, exactly
#                 or, written as { glob: 'ci-*' }, as a pattern
#   may           read, publish, overwrite, delete, create, admin
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

# listen: 0.0.0.0:8443          # mTLS
# ops: 127.0.0.1:8081           # /livez, /readyz and /metrics over plain HTTP, or off
# url: https://localhost:8443   # what clients use
# storage: storage
# certs: certs

# tls:
#   certificate: certs/server.crt
#   key: certs/server.key
#   clientCAs:                  # the trust anchors; grants name them
#     - { name: built-in, file: certs/ca.crt }

# signing:
#   key: certs/provenance.key.asc
#   passphraseFile:             # or CHARTROOM_SIGNING_PASSPHRASE
#   keyring: certs/provenance.gpg

# provenance:
#   trustedKeyring:             # public keys of publishers, whose provenance files are then checked
#   unknownSigner: countersign  # or refuse

# uploads: { maxBytes: 20MiB }
# overwrite: never              # or forced (with ?force), always; needs the grant as well
# repositories:                 # made at start
#   - { name: team-a/stable }
# log: { level: info }
# shutdown: { drain: 25s }
`
