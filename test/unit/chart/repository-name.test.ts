import assert from 'node:assert/strict'
import {
  describeRepository,
  parseRepositoryName,
  repositoryFromSegments,
  ROOT_REPOSITORY,
} from '../../../src/chart/repository-name.ts'
import { AppError } from '../../../src/errors.ts'

const RESERVED_ANYWHERE =
  'api v2 charts prov index.yaml artifacthub-repo.yml keys manifests blobs tags referrers promote templates upstreams values'
const RESERVED_FIRST = 'health info static ui crl.pem whoami repositories'

describe('parseRepositoryName', () => {
  it('takes the empty name for the root repository', () => {
    assert.equal(parseRepositoryName(''), ROOT_REPOSITORY)
  })

  for (const name of ['stable', 'team-a/stable', 'a/b/c', 'a.b_c__d---e', '0', 'a/health', 'x'.repeat(255)]) {
    it(`accepts ${name.slice(0, 30)}`, () => {
      assert.equal(parseRepositoryName(name), name)
    })
  }

  const refused = [
    '/',
    '/a',
    'a/',
    'a//b',
    'A',
    'a b',
    '.',
    '..',
    'a/../b',
    '.well-known',
    'a..b',
    'a___b',
    '-a',
    'a-',
  ]
  for (const name of [...refused, 'a\n', 'a%2fb', 'a\\b', 'é', 'x'.repeat(256)]) {
    it(`refuses ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.throws(() => parseRepositoryName(name), requestInvalid('not a repository name'))
    })
  }

  for (const word of RESERVED_ANYWHERE.split(' ')) {
    it(`refuses ${word} as any segment`, () => {
      for (const name of [word, `a/${word}`, `${word}/a`]) {
        assert.throws(() => parseRepositoryName(name), requestInvalid(`"${word}" may not be part`))
      }
    })
  }

  for (const word of RESERVED_FIRST.split(' ')) {
    it(`refuses ${word} as the first segment`, () => {
      assert.throws(() => parseRepositoryName(word), requestInvalid(`"${word}" may not be part`))
      assert.equal(parseRepositoryName(`a/${word}`), `a/${word}`)
    })
  }
})

describe('repositoryFromSegments', () => {
  it('joins the segments of a path', () => {
    assert.equal(repositoryFromSegments(['team-a', 'stable']), 'team-a/stable')
    assert.equal(repositoryFromSegments([]), ROOT_REPOSITORY)
  })

  it('refuses an empty segment and one with a slash', () => {
    for (const segments of [[''], ['a', ''], ['a/b']]) {
      assert.throws(() => repositoryFromSegments(segments), requestInvalid('not a repository name'))
    }
  })
})

describe('describeRepository', () => {
  it('names the root repository in words', () => {
    assert.equal(describeRepository(ROOT_REPOSITORY), 'the root repository')
    assert.equal(describeRepository(parseRepositoryName('team-a')), 'team-a')
  })
})

function requestInvalid(message: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof AppError && error.code === 'request-invalid' && error.message.includes(message)
}
