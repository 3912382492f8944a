import { getAudit } from './admin/get-audit.ts'
import { getCrl, type GetCrlDeps } from './admin/get-crl.ts'
import { getHealth } from './admin/get-health.ts'
import { getInfo } from './admin/get-info.ts'
import { getRepositories } from './admin/get-repositories.ts'
import { getWelcome, type GetWelcomeDeps } from './admin/get-welcome.ts'
import { getUpstreams, type GetUpstreamsDeps } from './admin/get-upstreams.ts'
import { getWhoami, type WhoamiDeps } from './admin/get-whoami.ts'
import { postUpstreamsDecision } from './admin/post-upstreams-decision.ts'
import { postUpstreamsSync, type PostUpstreamsSyncDeps } from './admin/post-upstreams-sync.ts'
import { deleteChart } from './chartmuseum/delete-chart.ts'
import { deleteVersion } from './chartmuseum/delete-version.ts'
import { getArtifactHub } from './chartmuseum/get-artifact-hub.ts'
import { getTemplates } from './chartmuseum/get-templates.ts'
import { getValues } from './chartmuseum/get-values.ts'
import { getVersion } from './chartmuseum/get-version.ts'
import { listCharts } from './chartmuseum/list-charts.ts'
import { listChartVersions } from './chartmuseum/list-chart-versions.ts'
import { postChart, type PostChartDeps } from './chartmuseum/post-chart.ts'
import { postPromotion, type PostPromotionDeps } from './chartmuseum/post-promotion.ts'
import { postProvenance } from './chartmuseum/post-provenance.ts'
import { getArchive, getProvenance, type GetFileDeps } from './helm/get-file.ts'
import { getIndex } from './helm/get-index.ts'
import { getKeyring } from './helm/get-keyring.ts'
import { inTurn, type PublishSlots } from './publish-slots.ts'
import { frequent, route, verifiedRoute, type Route } from './route.ts'
import { rejectOffers, releaseOffers } from '../mirror/decide.ts'
import { type ReadIndexDeps } from '../repository/read-index.ts'

export type RouteDeps = PostChartDeps &
  PostPromotionDeps &
  ReadIndexDeps &
  GetFileDeps &
  WhoamiDeps &
  GetCrlDeps &
  GetWelcomeDeps &
  GetUpstreamsDeps &
  PostUpstreamsSyncDeps & { readonly publishSlots: PublishSlots }

/**
 * THE route table: every path that the server answers and what it needs. The longer of two paths comes first; no
 * repository can be named like a word in a path (`chart/repository-name.ts`), so each path has one reading.
 */
export function routes(deps: RouteDeps): readonly Route[] {
  return [
    verifiedRoute('get', '/', getWelcome(deps)),
    verifiedRoute('get', '/health', getHealth()),
    verifiedRoute('get', '/info', getInfo(deps)),
    verifiedRoute('get', '/api/whoami', getWhoami(deps)),
    verifiedRoute('get', '/api/repositories', getRepositories(deps)),
    verifiedRoute('get', '/crl.pem', getCrl(deps)),
    route('get', '/api/audit', 'admin', getAudit(deps)),

    frequent(route('get', '/{*repository/}index.yaml', 'read', getIndex(deps))),
    frequent(route('get', '/{*repository/}charts/:stem.tgz.prov', 'read', getProvenance(deps))),
    frequent(route('get', '/{*repository/}charts/:stem.tgz', 'read', getArchive(deps))),
    route('get', '/{*repository/}keys/provenance.gpg', 'read', getKeyring(deps, 'binary')),
    route('get', '/{*repository/}keys/provenance.asc', 'read', getKeyring(deps, 'armored')),
    route('get', '/{*repository/}artifacthub-repo.yml', 'read', getArtifactHub(deps)),

    route('get', '/api/{*repository/}charts/:name/:version/templates', 'read', getTemplates(deps)),
    route('get', '/api/{*repository/}charts/:name/:version/values', 'read', getValues(deps)),
    route('get', '/api/{*repository/}charts/:name/:version', 'read', getVersion(deps)),
    route('delete', '/api/{*repository/}charts/:name/:version', 'delete', deleteVersion(deps)),
    route('get', '/api/{*repository/}charts/:name', 'read', listChartVersions(deps)),
    route('delete', '/api/{*repository/}charts/:name', 'delete', deleteChart(deps)),
    route('get', '/api/{*repository/}charts', 'read', listCharts(deps)),
    route('post', '/api/{*repository/}charts', 'publish', inTurn(deps.publishSlots, postChart(deps))),
    route('post', '/api/{*repository/}prov', 'publish', inTurn(deps.publishSlots, postProvenance(deps))),
    route('post', '/api/{*repository/}promote', 'publish', inTurn(deps.publishSlots, postPromotion(deps))),

    route('get', '/api/{*repository/}upstreams', 'admin', getUpstreams(deps)),
    route('post', '/api/{*repository/}upstreams/sync', 'admin', postUpstreamsSync(deps)),
    route(
      'post',
      '/api/{*repository/}upstreams/release',
      'admin',
      postUpstreamsDecision(deps, releaseOffers),
    ),
    route('post', '/api/{*repository/}upstreams/reject', 'admin', postUpstreamsDecision(deps, rejectOffers)),
  ]
}
