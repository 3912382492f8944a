import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readHelmRepository } from '../../../src/publishing/helm-repositories.ts'

const REPOSITORIES = `apiVersion: ""
generated: "0001-01-01T00:00:00Z"
repositories:
- caFile: ca.crt
  certFile: /certs/ci.crt
  insecure_skip_tls_verify: false
  keyFile: /certs/ci.key
  name: mine
  pass_credentials_all: false
  password: ""
  url: https://charts.example.org/team-a
  username: ""
- caFile: ""
  certFile: ""
  keyFile: ""
  name: public
  url: https://public.example.org
`

describe('readHelmRepository', () => {
  let home: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'chartroom-helm-'))
  })

  afterEach(async () => {
    await rm(home, { recursive: true })
  })

  async function write(path: string, text = REPOSITORIES): Promise<string> {
    const file = join(home, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    return file
  }

  it('gives the URL and the files as they were typed', async () => {
    const environment = { HELM_REPOSITORY_CONFIG: await write('r.yaml') }
    assert.deepEqual(await readHelmRepository('mine', environment), {
      url: 'https://charts.example.org/team-a',
      certFile: '/certs/ci.crt',
      keyFile: '/certs/ci.key',
      caFile: 'ca.crt',
    })
  })

  it('leaves out files that were not given', async () => {
    const environment = { HELM_REPOSITORY_CONFIG: await write('r.yaml') }
    assert.deepEqual(await readHelmRepository('public', environment), { url: 'https://public.example.org' })
  })

  describe('finds the file where Helm does', () => {
    const places: readonly (readonly [string, string, (home: string) => Record<string, string>])[] = [
      [
        'HELM_CONFIG_HOME',
        'helm-home/repositories.yaml',
        (at) => ({ HELM_CONFIG_HOME: join(at, 'helm-home') }),
      ],
      ['XDG_CONFIG_HOME', 'xdg/helm/repositories.yaml', (at) => ({ XDG_CONFIG_HOME: join(at, 'xdg') })],
    ]
    for (const [what, path, environmentOf] of places) {
      it(`below ${what}`, async () => {
        await write(path)
        const environment = { HELM_REPOSITORY_CONFIG: '', HOME: '/nowhere', ...environmentOf(home) }
        assert.equal((await readHelmRepository('public', environment)).url, 'https://public.example.org')
      })
    }

    it('below HOME', async function () {
      if (process.platform !== 'linux') this.skip()
      await write('.config/helm/repositories.yaml')
      assert.equal((await readHelmRepository('public', { HOME: home })).url, 'https://public.example.org')
    })
  })

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown name', REPOSITORIES, /"typo" is no URL, and none of Helm's repositories .*"helm repo add"/],
    ['an entry without a URL', 'repositories: [{name: typo}]', /"typo" is no URL/],
    ['a file of another kind', '- a\n', /"typo" is no URL/],
    ['a file that is not YAML', 'a: [', /is not YAML/],
  ]
  for (const [what, text, message] of refused) {
    it(`refuses ${what}`, async () => {
      const environment = { HELM_REPOSITORY_CONFIG: await write('r.yaml', text) }
      await assert.rejects(readHelmRepository('typo', environment), { code: 'request-invalid', message })
    })
  }

  it('says which file it could not read', async () => {
    const file = join(home, 'gone.yaml')
    await assert.rejects(readHelmRepository('mine', { HELM_REPOSITORY_CONFIG: file }), {
      code: 'request-invalid',
      message: `Helm's repositories cannot be read (${file})`,
    })
  })
})
