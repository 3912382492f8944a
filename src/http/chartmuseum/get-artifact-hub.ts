import { type Catalog } from '../../catalog/catalog.ts'
import { AppError } from '../../errors.ts'
import { requireRepository } from '../../repository/require-repository.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { type Handler } from '../exchange.ts'
import { textReply } from '../reply.ts'

export interface GetArtifactHubDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

/** By which Artifact Hub knows that whoever registered the repository there owns it. */
export function getArtifactHub({ catalog, settingsOf }: GetArtifactHubDeps): Handler<'read'> {
  return async ({ authorisation }) => {
    await requireRepository(catalog, authorisation.repository)
    const { artifactHubId } = settingsOf(authorisation.repository)
    if (artifactHubId === undefined)
      throw new AppError('route-unknown', 'Artifact Hub repository ID not found')
    return textReply(200, `repositoryID: ${artifactHubId}\n`, {
      headers: { 'content-type': 'application/x-yaml', 'cache-control': 'private, no-cache' },
    })
  }
}
