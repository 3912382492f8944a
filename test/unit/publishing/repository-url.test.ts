import assert from 'node:assert/strict'
import { parseRepositoryUrl, uploadUrl } from '../../../src/publishing/repository-url.ts'

describe('uploadUrl', () => {
  const rows: readonly (readonly [repository: string, contextPath: string, upload: string])[] = [
    ['https://h', '', 'https://h/api/charts'],
    ['https://h/', '', 'https://h/api/charts'],
    ['https://h:8443/team-a/stable', '', 'https://h:8443/api/team-a/stable/charts'],
    ['https://h/team-a/stable//', '', 'https://h/api/team-a/stable/charts'],
    ['https://h/helm', '/helm', 'https://h/helm/api/charts'],
    ['https://h/helm/team-a', '/helm', 'https://h/helm/api/team-a/charts'],
    ['https://h/helm/team-a', 'helm/', 'https://h/helm/api/team-a/charts'],
    ['https://h/a/b/c', '/a/b', 'https://h/a/b/api/c/charts'],
    ['https://h/a', '/', 'https://h/api/a/charts'],
  ]
  for (const [repository, contextPath, upload] of rows) {
    it(`of ${repository} with the context path ${contextPath || 'none'} is ${upload}`, () => {
      assert.equal(uploadUrl(parseRepositoryUrl(repository), contextPath, 'unforced').href, upload)
    })
  }

  it('asks for force as cm-push does', () => {
    assert.equal(
      uploadUrl(parseRepositoryUrl('https://h/a'), '', 'forced').href,
      'https://h/api/a/charts?force',
    )
  })

  for (const contextPath of ['/other', '/help', '/helm/team-a/more']) {
    it(`refuses a repository that is not below ${contextPath}`, () => {
      assert.throws(() => uploadUrl(parseRepositoryUrl('https://h/helm/team-a'), contextPath, 'unforced'), {
        code: 'request-invalid',
        message: /is not below the context path .*--context-path/,
      })
    })
  }
})

describe('parseRepositoryUrl', () => {
  for (const text of ['http://h/a', 'oci://h/a', 'h/a', 'https://']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseRepositoryUrl(text), {
        code: 'request-invalid',
        message: /begins with https:/,
      })
    })
  }
  for (const text of ['https://u:p@h/a', 'https://h/a?b', 'https://h/a#b']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseRepositoryUrl(text), {
        code: 'request-invalid',
        message: /has no user, query/,
      })
    })
  }
})
