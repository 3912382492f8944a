import { z } from 'zod'
import { CHANGE_KINDS } from '../catalog/outbox.ts'
import { accessSchema, groupsSchema, repositoriesSchema } from '../policy/policy-file.ts'
import { limitsSchema } from './limits-schema.ts'
import { mirrorSchema, virtualSchema } from './mirror-schema.ts'
import {
  address,
  bytes,
  duration,
  flag,
  network,
  pathPrefix,
  processCount,
  repositoryName,
  secret,
} from './units.ts'

/**
 * The manual of `chartroom.yaml`. Every setting is also an environment variable: `tls.certificate` is
 * `CHARTROOM_TLS_CERTIFICATE`, lists and maps as YAML. Relative paths start at the configuration file's folder, those
 * given on the command line or in the environment at the working directory.
 */

/**
 * Whether a version may ever get other content, by an identity that holds `overwrite`: `never`; `forced`, when the
 * request says `?force` (`helm cm-push --force`); `always`, on any publish (ChartMuseum's `--allow-overwrite`).
 */
const overwrite = z.enum(['never', 'forced', 'always'])

/**
 * What becomes of the name of a deleted version: `keep`, it stays taken, for the content that it had; `release`, other
 * content may be published under it.
 */
const tombstones = z.enum(['keep', 'release'])

/**
 * The most that one repository may hold; what goes beyond is refused with 507. Versions that were deleted do not count,
 * nor do provenance files.
 */
const quota = z.strictObject({
  versions: z.int().min(0).optional(),
  /** Of all archives together, also where repositories share one. */
  bytes: bytes.optional(),
})

/**
 * What `chartroom retain --apply` keeps of each chart; nothing goes without that command. With both settings, a version
 * goes only when neither keeps it. The newest stable version of a chart, or its newest where none is stable, stays in any
 * case.
 */
const retention = z
  .strictObject({
    /** The newest so many, by SemVer and with pre-releases. */
    keepVersions: z.int().min(1).optional(),
    /** Those published here within this time, such as `90d`. */
    keepFor: duration.optional(),
  })
  .refine(({ keepVersions, keepFor }) => keepVersions !== undefined || keepFor !== undefined, {
    message: 'required: one of keepVersions and keepFor, or both',
  })

/** What becomes of a provenance file by a signer who is not in the trusted keyring. */
const unknownSigner = z.enum(['countersign', 'refuse'])

const tls = z
  .strictObject({
    /** The endpoint's certificate, with its intermediates (PEM). Default: `server.crt` in the certs folder. */
    certificate: z.string().min(1).optional(),
    /** Its private key (PEM). Default: `server.key` in the certs folder. */
    key: z.string().min(1).optional(),
    /**
     * The trust anchors: a client certificate must chain to one of them. Grants tell them apart by `name`. Default: the
     * built-in CA, `{ name: built-in, file: ca.crt }` in the certs folder.
     */
    clientCAs: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          /** Its certificates (PEM): the root, the intermediates that issue, and both CAs while one replaces another. */
          file: z.string().min(1),
          /** CRLs (PEM or DER) of the CAs that issue under it. With it, a certificate must be known not to be revoked. */
          crl: z.string().min(1).optional(),
          /** What becomes of a peer whose CA's CRL is missing from `crl` or out of date. */
          staleCrl: z.enum(['refuse', 'accept']).default('refuse'),
        }),
      )
      .min(1)
      .optional(),
  })
  .prefault({})

const ca = z
  .strictObject({
    /** What unlocks `ca.key` for `init`, `cert` and `ca`; the server needs it never. Best from the environment. */
    passphrase: secret.optional(),
    /** A file with it instead. Only one of the two. */
    passphraseFile: z.string().min(1).optional(),
  })
  .refine(({ passphrase, passphraseFile }) => passphrase === undefined || passphraseFile === undefined, {
    path: ['passphraseFile'],
    message: 'only one of ca.passphrase and ca.passphraseFile',
  })
  .prefault({})

const signingSection = z
  .strictObject({
    /** The OpenPGP private key (armored). Default, but not for a repository: `provenance.key.asc` in the certs folder. */
    key: z.string().min(1).optional(),
    /** The key itself instead of its file. Only one of `key` and `keyData`; for the environment. */
    keyData: secret.optional(),
    /** What unlocks it. Only one of `passphrase` and `passphraseFile`; best from the environment. */
    passphrase: secret.optional(),
    passphraseFile: z.string().min(1).optional(),
    /**
     * The public keys to hand out, besides that of `key`: older ones. Default, but not for a repository:
     * `provenance.gpg` in the certs folder. `chartroom key rotate` and `key revoke` write it.
     */
    keyring: z.string().min(1).optional(),
  })
  .refine(({ passphrase, passphraseFile }) => passphrase === undefined || passphraseFile === undefined, {
    path: ['passphraseFile'],
    message: 'only one of signing.passphrase and signing.passphraseFile',
  })
  .refine(({ key, keyData }) => key === undefined || keyData === undefined, {
    path: ['keyData'],
    message: 'only one of signing.key and signing.keyData',
  })

const signing = signingSection.prefault({})

const ownSigning = signingSection.refine(({ key, keyData }) => key !== undefined || keyData !== undefined, {
  path: ['key'],
  message: 'required: one of signing.key and signing.keyData',
})

const provenance = z
  .strictObject({
    /** Public keys of publishers (binary or armored): provenance files signed with them are checked against them. */
    trustedKeyring: z.string().min(1).optional(),
    unknownSigner: unknownSigner.default('countersign'),
    /** Whether a chart that comes without a provenance file is refused. */
    required: flag.default(false),
  })
  .prefault({})

const repository = z.strictObject({
  /**
   * Path segments joined by `/`; `/` is the root repository. It is created when the server starts. Or `{ glob: … }`:
   * then the entry is for every repository that it matches and that has no entry of its own, and of several such
   * entries the first one counts. What an entry leaves out is as for the whole server.
   */
  name: z.union([repositoryName, z.strictObject({ glob: z.string().min(1) })]),
  overwrite: overwrite.optional(),
  tombstones: tombstones.optional(),
  /** Nothing is published or deleted, whoever asks. */
  readOnly: flag.optional(),
  quota: quota.optional(),
  retention: retention.optional(),
  /** Its ID in Artifact Hub's control panel, for `artifacthub-repo.yml`. */
  artifactHubId: z.guid().optional(),
  /** Instead of the server-wide `signing`: the repository's versions are signed with this key and verify with its keyring. */
  signing: ownSigning.optional(),
  provenance: z
    .strictObject({
      /** Instead of the server-wide one, so that its keys count for this repository only. */
      trustedKeyring: z.string().min(1).optional(),
      unknownSigner: unknownSigner.optional(),
      required: flag.optional(),
    })
    .optional(),
  /** Its charts are other repositories', fetched, checked and kept (docs/mirrors.md). */
  mirror: mirrorSchema.optional(),
  /** Its charts are those of other repositories here. It takes no uploads, so it has no settings for them. */
  virtual: virtualSchema.optional(),
})

const webhook = z
  .strictObject({
    /** Where changes are sent to with POST; https, or http to this machine itself. */
    url: z
      .url({ protocol: /^https?$/ })
      .refine(isSafeToSendTo, 'expected https, without a name or password in it; http only for loopback'),
    /** The key of `X-Chartroom-Signature`. Exactly one of `secret` and `secretFile`. */
    secret: secret.optional(),
    /** A file with it instead, which others cannot read. Read for each delivery. */
    secretFile: z.string().min(1).optional(),
    /** As in `access`. */
    repositories: repositoriesSchema.prefault('all'),
    events: z
      .array(z.enum(CHANGE_KINDS))
      .min(1)
      .default([...CHANGE_KINDS]),
    /** The authorities (PEM) that the receiver's certificate may chain to. Default: those that Node comes with. */
    ca: z.string().min(1).optional(),
    /** For one delivery, from connecting to the answer. */
    timeout: duration.prefault('10s'),
  })
  .refine(({ secret, secretFile }) => (secret === undefined) !== (secretFile === undefined), {
    path: ['secret'],
    message: 'required: exactly one of secret and secretFile',
  })

export const configSchema = z.strictObject({
  /** Where the repository is served over mTLS. */
  listen: address.prefault('0.0.0.0:8443'),
  proxyProtocol: z
    .strictObject({
      /**
       * The proxies in front, as `127.0.0.1` or `10.0.0.0/8`: those that pass TLS on and begin each connection with a
       * PROXY header (v1 or v2), from which the log and the audit take the client's address. A connection from one of
       * them without a header is closed; on any other connection none is looked for. Every machine listed here can claim
       * to be any client: list the proxies alone. Default: none.
       */
      from: z.array(network).default([]),
    })
    .prefault({}),
  /** Where probes and metrics are served over plain HTTP, or `off`. Keep it on loopback or inside the pod. */
  ops: z.union([z.literal('off'), address]).prefault('127.0.0.1:8081'),
  /** The URL that clients use, for the commands printed at start. Default: `https://localhost:<port of listen>`. */
  url: z.url({ protocol: /^https$/ }).optional(),
  /** The path that everything is served under, such as `/charts`; ChartMuseum's `--context-path`. Not reloaded. */
  contextPath: pathPrefix.prefault(''),
  /**
   * How many processes serve, or `auto`: one for each core. They share `listen` and the storage (docs/operating.md,
   * "Several processes"). Not reloaded.
   */
  workers: processCount.prefault(1),
  /** Folder of the catalog and the blobs. */
  storage: z.string().min(1).default('storage'),
  /** Folder of the built-in CA, the server's certificate, the signing key and the client certificates made here. */
  certs: z.string().min(1).default('certs'),
  tls,
  ca,
  signing,
  provenance,
  uploads: z
    .strictObject({
      /** Of one archive. */
      maxBytes: bytes.prefault('20MiB'),
      /** A form field that an archive may come in, besides `chart`. */
      chartField: z.string().min(1).default('chart'),
      /** A form field that a provenance file may come in, besides `prov`. */
      provField: z.string().min(1).default('prov'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      /** Of archives and provenance files that were asked for lately, kept in memory in each process. 0 keeps none. */
      bytes: bytes.prefault('128MiB'),
      /** What is larger than this is read from the disk each time. */
      largest: bytes.prefault('16MiB'),
    })
    .prefault({}),
  /** What the server takes on before it says that it is busy (docs/operating.md, "Limits"). Not reloaded. */
  limits: limitsSchema,
  overwrite: overwrite.default('never'),
  tombstones: tombstones.default('keep'),
  /** Nothing is published or deleted, whoever asks: for a migration, or an archive. A repository may say otherwise. */
  readOnly: flag.default(false),
  /** Of each repository that has none of its own. Default: no limit but the disk. */
  quota: quota.optional(),
  repositories: z.array(repository).default([]),
  /** Names for sets of identities, for `access`: `{ team-a: [{ cn: ci-a }, { ou: { glob: 'a-*' } }] }`. */
  groups: groupsSchema.default({}),
  /** Who may do what. Nothing is allowed that no grant allows, and what a `deny` names is refused in any case. */
  access: accessSchema.default([]),
  /**
   * Who is told of changes (docs/webhooks.md). A new one is told of what changes from then on; one that is taken out and
   * comes back within a day goes on where it was.
   */
  webhooks: z.array(webhook).default([]),
  audit: z
    .strictObject({
      /** How long the audit trail is kept; what is older goes while the server runs. */
      keep: duration.prefault('400d'),
      /** Whether it also says who pulled which archive and which provenance file. */
      reads: z.enum(['off', 'on']).default('off'),
      /** How long that is kept. */
      readsKeep: duration.prefault('7d'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      /** How long requests in flight may go on after SIGTERM. */ drain: duration.prefault('25s'),
    })
    .prefault({}),
})

export type ConfigFile = z.infer<typeof configSchema>

/** What a name server says is not asked: `localhost` and addresses that are loopback by themselves. */
function isSafeToSendTo(text: string): boolean {
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
