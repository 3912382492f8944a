import { z } from 'zod'
import { parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type RepositoryExport } from '../repository/export-repository.ts'

/**
 * A bundle is a tar of static copies, so that it can be unpacked and served, with this file in front, from which an
 * import takes what the copies do not say. Each provenance file stands before its archive.
 */
export const MANIFEST_PATH = 'chartroom-bundle.json'

/** A version is some 300 bytes: 300,000 of them. */
export const MOST_MANIFEST_BYTES = 128 * 1024 * 1024

const version = z.object({
  /** In the bundle. */
  path: z.string(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
  provenance: z.enum(['server', 'publisher']),
})

const manifest = z.object({
  format: z.literal(1),
  repositories: z.array(
    z.object({
      /** Below the repository that the bundle is of; `''` for that itself. */
      name: z.string(),
      versions: z.array(version),
    }),
  ),
})

export type BundleManifest = z.infer<typeof manifest>
export type BundledVersion = z.infer<typeof version>

export function renderManifest(exports: readonly RepositoryExport[], base: RepositoryName): string {
  const content: BundleManifest = {
    format: 1,
    repositories: exports.map(({ repository, versions }) => ({
      name: folderOf(repository, base),
      versions: versions.map(({ filename, digest, fragment, provenance }) => ({
        path: pathBelow(folderOf(repository, base), `charts/${filename}`),
        digest,
        createdAt: (JSON.parse(fragment) as { created: string }).created,
        provenance: provenance.origin,
      })),
    })),
  }
  return `${JSON.stringify(content)}\n`
}

/** Throws `request-invalid`. */
export function parseManifest(text: string): BundleManifest {
  try {
    return manifest.parse(JSON.parse(text))
  } catch (error) {
    throw new AppError(
      'request-invalid',
      `the bundle's ${MANIFEST_PATH} is not one that this version reads`,
      {
        cause: error,
      },
    )
  }
}

/** Where a repository's static copy stands in a copy of `base` and what is below it. */
export function folderOf(repository: RepositoryName, base: RepositoryName): string {
  return base === '' ? repository : repository.slice(base.length + 1)
}

export function pathBelow(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`
}

/** Throws `request-invalid`. */
export function repositoryBelow(base: RepositoryName, name: string): RepositoryName {
  return parseRepositoryName([base, name].filter((part) => part !== '').join('/'))
}
