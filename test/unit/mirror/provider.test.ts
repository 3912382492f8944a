import assert from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { provides } from '../../../src/mirror/provider.ts'

interface Case {
  readonly upstream: { readonly url: string; readonly charts?: readonly string[] }
  readonly dependency: string
  readonly is: boolean
}

const CASES: readonly Case[] = [
  {
    upstream: { url: 'https://charts.example.org/stable' },
    dependency: 'https://charts.example.org/stable',
    is: true,
  },
  {
    upstream: { url: 'https://charts.example.org/stable' },
    dependency: 'http://Charts.example.org/stable/',
    is: true,
  },
  {
    upstream: { url: 'https://charts.example.org/stable' },
    dependency: 'https://charts.example.org',
    is: false,
  },
  {
    upstream: { url: 'https://charts.example.org' },
    dependency: 'https://charts.example.org:8443',
    is: false,
  },
  { upstream: { url: 'https://charts.example.org' }, dependency: '@stable', is: false },
  {
    upstream: { url: 'oci://registry.example.org/charts/redis' },
    dependency: 'oci://registry.example.org/charts',
    is: true,
  },
  {
    upstream: { url: 'oci://registry.example.org/charts/nginx' },
    dependency: 'oci://registry.example.org/charts',
    is: false,
  },
  {
    upstream: { url: 'oci://registry.example.org/charts', charts: ['redis'] },
    dependency: 'oci://registry.example.org/charts/',
    is: true,
  },
  {
    upstream: { url: 'oci://registry.example.org/charts', charts: ['nginx'] },
    dependency: 'oci://registry.example.org/charts',
    is: false,
  },
]

describe('provides', () => {
  for (const { upstream, dependency, is } of CASES) {
    const charts = upstream.charts === undefined ? '' : ` with ${upstream.charts.join(' ')}`
    it(`takes ${upstream.url}${charts} ${is ? 'for' : 'for another repository than'} ${dependency}`, () => {
      const mirror = { repository: parseRepositoryName('mirror'), upstreams: [upstream] }
      assert.equal(provides(mirror, { url: dependency, name: 'redis' }), is)
    })
  }
})
