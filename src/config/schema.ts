import { z } from 'zod'
import { parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { accessSchema } from '../policy/policy-file.ts'
import { Secret } from './secret.ts'
import { address, bytes, duration } from './units.ts'

/**
 * The manual of `chartroom.yaml`. Every setting is also an environment variable: `tls.certificate` is
 * `CHARTROOM_TLS_CERTIFICATE`, lists and maps as YAML. Relative paths start at the configuration file's folder, those
 * given on the command line or in the environment at the working directory.
 */

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))

const repositoryName = z.string().transform((text, context): RepositoryName => {
  try {
    return parseRepositoryName(text === '/' ? '' : text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AppError ? error.message : String(error) })
    return z.NEVER
  }
})

/**
 * Whether a version may ever get other content, by an identity that holds `overwrite`: `never`; `forced`, when the
 * request says `?force` (`helm cm-push --force`); `always`, on any publish (ChartMuseum's `--allow-overwrite`).
 */
const overwrite = z.enum(['never', 'forced', 'always'])

/** What becomes of a provenance file by a signer who is not in `provenance.trustedKeyring`. */
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
      .array(z.strictObject({ name: z.string().min(1), file: z.string().min(1) }))
      .min(1)
      .optional(),
  })
  .prefault({})

const signing = z
  .strictObject({
    /** The OpenPGP private key (armored). Default: `provenance.key.asc` in the certs folder. */
    key: z.string().min(1).optional(),
    /** What unlocks it. Only one of `passphrase` and `passphraseFile`; best from the environment. */
    passphrase: secret.optional(),
    passphraseFile: z.string().min(1).optional(),
    /** The public keys to hand out, besides that of `key`: older ones. Default: `provenance.gpg` in the certs folder. */
    keyring: z.string().min(1).optional(),
  })
  .refine(({ passphrase, passphraseFile }) => passphrase === undefined || passphraseFile === undefined, {
    path: ['passphraseFile'],
    message: 'only one of signing.passphrase and signing.passphraseFile',
  })
  .prefault({})

const provenance = z
  .strictObject({
    /** Public keys of publishers (binary or armored): provenance files signed with them are checked against them. */
    trustedKeyring: z.string().min(1).optional(),
    unknownSigner: unknownSigner.default('countersign'),
  })
  .prefault({})

const repository = z.strictObject({
  /** Path segments joined by `/`; `/` is the root repository. It is created when the server starts. */
  name: repositoryName,
  /** Default: the server-wide `overwrite`. */
  overwrite: overwrite.optional(),
  /** Default: the server-wide `provenance.unknownSigner`. */
  unknownSigner: unknownSigner.optional(),
})

export const configSchema = z.strictObject({
  /** Where the repository is served over mTLS. */
  listen: address.prefault('0.0.0.0:8443'),
  /** Where probes and metrics are served over plain HTTP, or `off`. Keep it on loopback or inside the pod. */
  ops: z.union([z.literal('off'), address]).prefault('127.0.0.1:8081'),
  /** The URL that clients use, for the commands printed at start. Default: `https://localhost:<port of listen>`. */
  url: z.url({ protocol: /^https$/ }).optional(),
  /** Folder of the catalog and the blobs. */
  storage: z.string().min(1).default('storage'),
  /** Folder of the built-in CA, the server's certificate, the signing key and the client certificates made here. */
  certs: z.string().min(1).default('certs'),
  tls,
  signing,
  provenance,
  uploads: z.strictObject({ /** Of one archive. */ maxBytes: bytes.prefault('20MiB') }).prefault({}),
  overwrite: overwrite.default('never'),
  repositories: z.array(repository).default([]),
  /** Who may do what. Nothing is allowed that no grant allows. */
  access: accessSchema.default([]),
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
